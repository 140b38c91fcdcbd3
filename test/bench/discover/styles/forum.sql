-- snake case, plural tables, surrogate keys named id, people in roles
CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, email text UNIQUE, invited_by bigint REFERENCES users,
    inviter_id bigint REFERENCES users, stripe_customer_id text, time_zone text, post_count int, trust_level int, last_ip inet);
CREATE TABLE groups (id bigint PRIMARY KEY, name text UNIQUE, owner_id bigint NOT NULL REFERENCES users, user_count int);
CREATE TABLE group_users (group_id bigint REFERENCES groups, user_id bigint REFERENCES users, added_by_id bigint REFERENCES users,
    PRIMARY KEY (group_id, user_id));
CREATE TABLE categories (id bigint PRIMARY KEY, name text UNIQUE, slug text UNIQUE, parent_id bigint REFERENCES categories,
    parent_category_id bigint REFERENCES categories, created_by bigint REFERENCES users, position int, color text);
CREATE TABLE topics (id bigint PRIMARY KEY, title text, category_id bigint NOT NULL REFERENCES categories,
    user_id bigint REFERENCES users, last_post_user_id bigint REFERENCES users, closed_by_id bigint REFERENCES users,
    archived_by bigint REFERENCES users, posts_count int, views int, external_id text, original_topic_id bigint REFERENCES topics);
CREATE TABLE posts (id bigint PRIMARY KEY, topic_id bigint NOT NULL REFERENCES topics, author_id bigint REFERENCES users,
    reply_to_post_id bigint REFERENCES posts, edited_by bigint REFERENCES users, approved_by_id bigint REFERENCES users,
    locale_id int, raw text, reads int, version int, ip_address inet, deleted_by_id bigint REFERENCES users);
CREATE TABLE post_revisions (id bigint PRIMARY KEY, post_id bigint NOT NULL REFERENCES posts, editor_id bigint REFERENCES users,
    previous_revision_id bigint REFERENCES post_revisions, number int);
CREATE TABLE flags (id bigint PRIMARY KEY, flaggable_type text NOT NULL, flaggable_id bigint NOT NULL,
    reporter_id bigint REFERENCES users, reviewer_id bigint REFERENCES users, resolved_by bigint REFERENCES users, status int);
CREATE TABLE messages (id bigint PRIMARY KEY, sender_id bigint REFERENCES users, recipient_id bigint REFERENCES users,
    body text, thread_id uuid, created_by_id bigint REFERENCES users, message_id text);
CREATE TABLE uploads (id bigint PRIMARY KEY, uploader_id bigint REFERENCES users, owner_user_id bigint REFERENCES users,
    sha1 text UNIQUE, width int, height int, google_file_id text);
CREATE TABLE audit_log (id bigint PRIMARY KEY, actor_id bigint REFERENCES users, action text, target_type text, target_id bigint,
    request_id uuid);
