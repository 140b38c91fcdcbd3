-- camel case, singular tables, uuid keys
CREATE TABLE "Account" (id uuid PRIMARY KEY, email text UNIQUE, "managerId" uuid REFERENCES "Account", "lastLoginAt" timestamptz,
    "githubUserId" text, "failedAttempts" int);
CREATE TABLE "Team" (id uuid PRIMARY KEY, name text, "ownerId" uuid NOT NULL REFERENCES "Account", "leadId" uuid REFERENCES "Account",
    "parentTeamId" uuid REFERENCES "Team", "slackChannelId" text);
CREATE TABLE "TeamMember" (id uuid PRIMARY KEY, "teamId" uuid REFERENCES "Team", "accountId" uuid REFERENCES "Account",
    "invitedById" uuid REFERENCES "Account");
CREATE TABLE "Project" (id uuid PRIMARY KEY, "key" text UNIQUE, "teamId" uuid REFERENCES "Team", "createdBy" uuid REFERENCES "Account",
    "updatedBy" uuid REFERENCES "Account", "defaultAssigneeId" uuid REFERENCES "Account", "externalId" text, "issueCount" int);
CREATE TABLE "IssueType" (id uuid PRIMARY KEY, name text, "projectId" uuid REFERENCES "Project");
CREATE TABLE "IssueStatus" (id uuid PRIMARY KEY, name text, "sortOrder" int, "nextStatusId" uuid REFERENCES "IssueStatus");
CREATE TABLE "Issue" (id uuid PRIMARY KEY, "projectId" uuid NOT NULL REFERENCES "Project", "typeId" uuid REFERENCES "IssueType",
    "statusId" uuid REFERENCES "IssueStatus", "assigneeId" uuid REFERENCES "Account", "reporterId" uuid REFERENCES "Account",
    "creatorId" uuid REFERENCES "Account", "parentId" uuid REFERENCES "Issue", "duplicateOfId" uuid REFERENCES "Issue",
    number int, "storyPoints" int, "correlationId" uuid);
CREATE TABLE "Comment" (id uuid PRIMARY KEY, "issueId" uuid REFERENCES "Issue", "authorId" uuid REFERENCES "Account",
    "replyToId" uuid REFERENCES "Comment", body text, "likeCount" int);
CREATE TABLE "Attachment" (id uuid PRIMARY KEY, "commentId" uuid REFERENCES "Comment", "uploadedById" uuid REFERENCES "Account",
    "fileSize" bigint, "entityType" text, "entityId" uuid);
CREATE TABLE "Sprint" (id uuid PRIMARY KEY, "projectId" uuid REFERENCES "Project", "startedBy" uuid REFERENCES "Account", goal text);
CREATE TABLE "SprintIssue" ("sprintId" uuid REFERENCES "Sprint", "issueId" uuid REFERENCES "Issue", PRIMARY KEY ("sprintId", "issueId"));
