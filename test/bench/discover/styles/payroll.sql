-- words without marks between them, keys named after their tables, numbers and codes
CREATE TABLE company (companyid int PRIMARY KEY, companyname text UNIQUE, parentcompanyid int REFERENCES company, taxno text);
CREATE TABLE dept (deptno int PRIMARY KEY, dname text, companyid int NOT NULL REFERENCES company, updeptno int REFERENCES dept, headcount int);
CREATE TABLE jobgrade (gradecode text PRIMARY KEY, minsal numeric, maxsal numeric, rank int);
CREATE TABLE emp (empno int PRIMARY KEY, ename text, deptno int REFERENCES dept, mgrempno int REFERENCES emp,
    gradecode text REFERENCES jobgrade, badgeno text UNIQUE, hireyear int);
CREATE TABLE costcenter (costcenterid int PRIMARY KEY, deptno int REFERENCES dept, owner int REFERENCES emp);
CREATE TABLE payperiod (payperiodid int PRIMARY KEY, companyid int REFERENCES company, periodno int);
CREATE TABLE payslip (payslipid int PRIMARY KEY, empno int REFERENCES emp, payperiodid int REFERENCES payperiod,
    costcenterid int REFERENCES costcenter, approvedbyempno int REFERENCES emp, grosspay numeric, sequenceno int);
CREATE TABLE paysliptype (paysliptypeid int PRIMARY KEY, name text);
CREATE TABLE paysliplineitem (payslipid int REFERENCES payslip, lineno int, paysliptypeid int REFERENCES paysliptype, qty int,
    PRIMARY KEY (payslipid, lineno));
CREATE TABLE leaverequest (leaverequestid int PRIMARY KEY, empno int REFERENCES emp, substituteempno int REFERENCES emp, days int);
CREATE TABLE project (projectcode text PRIMARY KEY, companyid int REFERENCES company, sponsor int REFERENCES emp, phase int);
CREATE TABLE timesheet (empno int REFERENCES emp, projectcode text REFERENCES project, weekno int, hours int, externalref text,
    PRIMARY KEY (empno, projectcode, weekno));
