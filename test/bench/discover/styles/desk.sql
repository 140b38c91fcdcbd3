-- tables of applications, tenants in the keys, text keys, columns that are bare nouns
CREATE TABLE tenant (id uuid PRIMARY KEY, slug text UNIQUE, plan text);
CREATE TABLE auth_user (id int PRIMARY KEY, username text UNIQUE, supervisor_id int REFERENCES auth_user);
CREATE TABLE desk_queue (tenant_id uuid REFERENCES tenant, id int, name text, manager_id int REFERENCES auth_user,
    PRIMARY KEY (tenant_id, id));
CREATE TABLE desk_agent (tenant_id uuid, id int, user_id int REFERENCES auth_user, queue_id int,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, queue_id) REFERENCES desk_queue);
CREATE TABLE desk_ticket (tenant_id uuid, id int, queue_id int, agent_id int, requester int REFERENCES auth_user,
    assigned_to int REFERENCES auth_user, created_by int REFERENCES auth_user, merged_into_id int, priority int, zendesk_id text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES desk_queue, FOREIGN KEY (tenant_id, agent_id) REFERENCES desk_agent);
CREATE TABLE desk_ticket_event (tenant_id uuid, id int, ticket_id int, actor int REFERENCES auth_user, kind text,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, ticket_id) REFERENCES desk_ticket);
CREATE TABLE kb_language (code text PRIMARY KEY, fallback_code text REFERENCES kb_language);
CREATE TABLE kb_article (id int PRIMARY KEY, language text REFERENCES kb_language, author int REFERENCES auth_user,
    editor int REFERENCES auth_user, parent int REFERENCES kb_article, tenant uuid REFERENCES tenant, status text, views int);
CREATE TABLE kb_article_tag (article int REFERENCES kb_article, tag text, PRIMARY KEY (article, tag));
CREATE TABLE kb_feedback (id int PRIMARY KEY, article int REFERENCES kb_article, owner int REFERENCES auth_user, rating int,
    reviewed_by int REFERENCES auth_user);
