//! Workarounds for faults of libraries: apollo-parser 0.9.0-beta.2, apollo-compiler 2.0.0-beta.2 and async-graphql
//! 8.0.0-rc.5.
//!
//! A canary in `tests/it/workarounds.rs` asserts each fault of the library itself, and fails once a new version has
//! mended it: then the workaround goes, with its line here. The last column is the address of the fault upstream.
//!
//! | library | fault | workaround | canary | upstream |
//! | --- | --- | --- | --- | --- |
//! | apollo-parser | a comma counts as a token when it looks ahead, so a comma behind a description, behind `...` or between alias and colon refuses the document | `commas` | `apollo_parser_stumbles_over_commas` | none known |
//! | apollo-parser | an argument or object field without a value is dropped | `syntax` | `apollo_parser_drops_what_has_no_value` | none known |
//! | apollo-parser | any token counts as the `$` of a variable with a description | `syntax` | `apollo_parser_takes_any_token_for_a_dollar` | none known |
//! | apollo-compiler | columns of diagnostics count bytes | `positions` | `apollo_compiler_counts_columns_in_bytes` | none known |
//! | apollo-compiler | undefined variables inside the object of a custom scalar are valid | `missing_rules` | `apollo_compiler_overlooks_variables_inside_json` | none known; <https://github.com/apollographql/apollo-rs/pull/883> mended lists and input objects |
//! | apollo-compiler | a variable with the default null may stand where null may not | `missing_rules` | `apollo_compiler_takes_the_default_null_for_a_value` | none known |
//! | apollo-compiler | duplicate fields of an input object are valid | `missing_rules` | `apollo_compiler_takes_duplicate_fields_of_objects` | none known |
//! | apollo-compiler | fields merge although a list in the arguments of one is the start of the other's | `missing_rules::merging` | `apollo_compiler_merges_fields_with_a_prefix_of_a_list` | none known |
//! | apollo-compiler | subscriptions count selections instead of response names, and may select nothing | `root_field` | `apollo_compiler_counts_selections_of_subscriptions` | none known |
//! | async-graphql | fragments at the root of a subscription start no stream, and equal root fields one each | `subscription` | `async_graphql_streams_each_root_field_and_no_fragment` | none known |
//! | async-graphql | the error that ends a subscription has a path without data | `subscription` | `async_graphql_gives_the_end_of_a_stream_a_path` | none known |
//! | async-graphql | `@skip` and `@include` ignore the default of a variable | `endpoint/coercion.rs`, `Coercion::variables` | `async_graphql_ignores_defaults_in_skip` | <https://github.com/async-graphql/async-graphql/pull/1827> |
//! | async-graphql | the variable `1.0` is no Int | `endpoint/coercion.rs`, `Coercion::int` | `async_graphql_refuses_whole_floats_as_ints` | none known |
//! | async-graphql | all entities fail when a representation has an unknown type | `endpoint/coercion.rs`, `Coercion::representation` | `async_graphql_fails_all_entities_for_one` | none known |
//! | async-graphql | all entities fail when one fails, without its index in the path | `graphql/entity.rs` | `async_graphql_fails_all_entities_for_one` | none known |
//! | async-graphql | introspection has no deprecated directives, which apollo-compiler validates | `graphql/sdl.rs`, `for_validation` | `async_graphql_tells_of_no_deprecated_directives` | none known |

pub mod commas;
pub mod missing_rules;
pub mod positions;
pub mod root_field;
pub mod subscription;
pub mod syntax;
