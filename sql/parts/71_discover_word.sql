-- The words that discovery knows. None of them names a table of some database; what is usual in the database at hand is learned from it.
INSERT INTO schemaguard.discovery_word (word, class, means, source)
SELECT word, 'plural', means, 'shipped' FROM (VALUES
    ('-s', ''), ('-ss', 'ss'), ('-sses', 'ss'), ('-uss', 'us'), ('-usses', 'us'), ('-iss', 'is'), ('-isses', 'is'), ('-ass', 'as'),
        ('-asses', 'as'),
    ('-us', 'us'), ('-uses', 'us'), ('-use', 'us'), ('-is', 'is'), ('-ises', 'is'),
    ('-ise', 'is'), ('-as', 'as'), ('-ases', 'as'), ('-ase', 'as'), ('-yses', 'ysis'), ('-ies', 'y'), ('-ie', 'y'), ('-xes', 'x'),
    ('-ches', 'ch'), ('-che', 'ch'), ('-shes', 'sh'), ('-zes', 'z'), ('-ze', 'z'), ('-oes', 'o'), ('-ices', 'ex'), ('-ice', 'ex'),
    ('people', 'person'), ('persons', 'person'), ('children', 'child'), ('men', 'man'), ('women', 'woman'), ('media', 'medium'),
    ('criteria', 'criterion'), ('mice', 'mouse'), ('data', 'data'), ('staff', 'staff'), ('usr', 'user'), ('usrs', 'user'))
    AS plural (word, means);
-- Endings that are too uncertain to cut by themselves: "areas" is the plural of "area" where a name has that word.
INSERT INTO schemaguard.discovery_word (word, class, means, source)
SELECT word, 'singular', means, 'shipped' FROM (VALUES
    ('-as', 'a'), ('-us', 'u'), ('-is', 'i'), ('-ae', 'a'), ('-i', 'us'), ('-es', ''), ('-ices', 'ix'), ('-zzes', 'z'),
    ('-ases', 'asis'), ('-eses', 'esis'), ('-ises', 'isis'), ('-oses', 'osis'),
    ('-lves', 'lf'), ('-eaves', 'eaf'), ('-oaves', 'oaf'), ('-arves', 'arf'), ('-ives', 'ife'))
    AS singular (word, means);
INSERT INTO schemaguard.discovery_word (word, class, source)
SELECT word, class, 'shipped'
FROM (VALUES
    ('id', 'id uuid guid oid uid ident identifier fk ref identificador'),
    ('number', 'key no nr num number sk pk seq code cd cod kode codigo'),
    ('name', 'name slug title label nombre'),
    ('kind', 'type kind model class table'),
    ('self', 'parent ancestor descendant predecessor successor previous prev next root original superior reply child duplicate
              replaced superseded template padre vater previous origin copied cloned related linked'),
    ('actor', 'by owner author creator editor assignee reporter approver reviewer manager sender recipient receiver requester
               uploader updater modifier deleter leader grantor grantee follower inviter moderator maintainer responsible supervisor
               submitter publisher admin administrator member person user commenter voter initiator assigned instructor
               teacher coach seller buyer borrower staff operator student actor speaker delegate archiver sponsor mentor tutor
               trainer driver officer doctor guardian volunteer clerk interviewee interviewer autor usuario ersteller'),
    ('person', 'user account person member employee staff people profile principal customer client usuario benutzer utilisateur
                mitarbeiter empleado login author operator'),
    ('login', 'password passwd pwd login'),
    ('personal', 'email mail firstname lastname surname username nickname phone birthday birthdate'),
    ('external', 'stripe external ext remote foreign google facebook github gitlab twitter apple paypal aws azur slack salesforce
                  hubspot ldap saml oauth openid oidc sap tracking correlation trace'),
    ('general', 'type status state name code value key level version number kind mode class sort order id title label'),
    ('measure', 'count total amount date at time sum size length width height weight price rate ratio percent percentage quantity
                 qty order position version url uri email phone text title description comment note hash token password path
                 file filename format flag index rank score level type limit max min avg year month day hour minute second duration
                 value content body color address username nickname domain ip timestamp json data option setting from to until'))
    AS list (class, words)
    CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(words, '[[:space:]]+') AS word
ON CONFLICT DO NOTHING;
