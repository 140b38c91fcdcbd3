/*-------------------------------------------------------------------------
 *
 * snapshot_kindlist.h
 *	  The kinds of objects: symbol, word, place, traits, properties.
 *
 * Included where the macro SG_KIND says what is made of the list, more than
 * once, so there is no #ifndef around it.  In the order of the words as bytes,
 * for they are looked up by bisection and objects are sorted by them.  What a
 * snapshot reads of a kind stands in sql/snapshot/.
 *
 *-------------------------------------------------------------------------
 */
SG_KIND(KIND_ACCESS_METHOD, "access method", PLACE_NOWHERE, 0, access_method_properties)
SG_KIND(KIND_AGGREGATE, "aggregate", PLACE_WITHIN, 0, routine_properties)
SG_KIND(KIND_CAST, "cast", PLACE_NOWHERE, 0, cast_properties)
SG_KIND(KIND_COLLATION, "collation", PLACE_WITHIN, 0, collation_properties)
SG_KIND(KIND_COLUMN, "column", PLACE_WITHIN, KIND_HOLDS_DATA, column_properties)
SG_KIND(KIND_CONSTRAINT, "constraint", PLACE_WITHIN, KIND_PART, constraint_properties)
SG_KIND(KIND_CONVERSION, "conversion", PLACE_WITHIN, 0, conversion_properties)
SG_KIND(KIND_DEFAULT_PRIVILEGE, "default privilege", PLACE_ANYWHERE, 0, common_properties)
SG_KIND(KIND_DOMAIN, "domain", PLACE_WITHIN, 0, domain_properties)
SG_KIND(KIND_EVENT_TRIGGER, "event trigger", PLACE_NOWHERE, 0, event_trigger_properties)
SG_KIND(KIND_EXTENSION, "extension", PLACE_NOWHERE, 0, extension_properties)
SG_KIND(KIND_FOREIGN_DATA_WRAPPER, "foreign data wrapper", PLACE_NOWHERE, 0, wrapper_properties)
SG_KIND(KIND_FOREIGN_SERVER, "foreign server", PLACE_NOWHERE, 0, server_properties)
SG_KIND(KIND_FUNCTION, "function", PLACE_WITHIN, 0, routine_properties)
SG_KIND(KIND_INDEX, "index", PLACE_BESIDE, KIND_PART, index_properties)
SG_KIND(KIND_LANGUAGE, "language", PLACE_NOWHERE, 0, language_properties)
SG_KIND(KIND_MATERIALIZED_VIEW, "materialized view", PLACE_WITHIN, KIND_RELATION | KIND_HOLDS_DATA, view_properties)
SG_KIND(KIND_OPERATOR, "operator", PLACE_WITHIN, 0, operator_properties)
SG_KIND(KIND_OPERATOR_CLASS, "operator class", PLACE_WITHIN, 0, operator_class_properties)
SG_KIND(KIND_OPERATOR_FAMILY, "operator family", PLACE_WITHIN, 0, operator_family_properties)
SG_KIND(KIND_POLICY, "policy", PLACE_WITHIN, 0, policy_properties)
SG_KIND(KIND_PROCEDURE, "procedure", PLACE_WITHIN, 0, routine_properties)
SG_KIND(KIND_PUBLICATION, "publication", PLACE_NOWHERE, 0, publication_properties)
SG_KIND(KIND_RULE, "rule", PLACE_WITHIN, 0, rule_properties)
SG_KIND(KIND_SCHEMA, "schema", PLACE_NOWHERE, KIND_HOLDS_DATA, common_properties)
SG_KIND(KIND_SEQUENCE, "sequence", PLACE_WITHIN, KIND_HOLDS_DATA, sequence_properties)
SG_KIND(KIND_STATISTICS, "statistics", PLACE_BESIDE, 0, statistics_properties)
SG_KIND(KIND_SUBSCRIPTION, "subscription", PLACE_NOWHERE, 0, subscription_properties)
SG_KIND(KIND_TABLE, "table", PLACE_WITHIN, KIND_RELATION | KIND_HOLDS_DATA, table_properties)
SG_KIND(KIND_TEXT_SEARCH_CONFIGURATION, "text search configuration", PLACE_WITHIN, 0, configuration_properties)
SG_KIND(KIND_TEXT_SEARCH_DICTIONARY, "text search dictionary", PLACE_WITHIN, 0, dictionary_properties)
SG_KIND(KIND_TEXT_SEARCH_PARSER, "text search parser", PLACE_WITHIN, 0, parser_properties)
SG_KIND(KIND_TEXT_SEARCH_TEMPLATE, "text search template", PLACE_WITHIN, 0, template_properties)
SG_KIND(KIND_TRANSFORM, "transform", PLACE_NOWHERE, 0, transform_properties)
SG_KIND(KIND_TRIGGER, "trigger", PLACE_WITHIN, 0, trigger_properties)
SG_KIND(KIND_TYPE, "type", PLACE_WITHIN, 0, type_properties)
SG_KIND(KIND_USER_MAPPING, "user mapping", PLACE_WITHIN, 0, common_properties)
SG_KIND(KIND_VIEW, "view", PLACE_WITHIN, KIND_RELATION, view_properties)
