//! Tests on SQLite and PostgreSQL, filtered and counted apart: `#[each_database]`, `#[sqlite_only]`, `#[postgres_only]`.

use proc_macro::TokenStream;
use quote::quote;
use syn::{ItemFn, parse_macro_input};

/// Makes two tests of a function that takes a `TestApp`: `name::sqlite` and `name::postgres`.
///
/// Each gets a server on a database of its own, from `support::on_sqlite` and `support::on_postgres`. Arguments are
/// those of `#[tokio::test]`. Where no PostgreSQL was found when the tests were built, `name::postgres` is ignored.
///
/// ```ignore
/// #[each_database]
/// async fn strangers_see_nothing(app: TestApp) {
///     let stranger = app.stranger("sam").await;
///     assert_eq!(stranger.run("{ projects { totalCount } }").await.data()["projects"]["totalCount"], 0);
/// }
/// ```
#[proc_macro_attribute]
pub fn each_database(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = arguments.into();
    let tests = [sqlite(&arguments), postgres(&arguments)];
    with_tests(&parse_macro_input!(item as ItemFn), &tests)
}

/// Makes one test, `name::sqlite`, for behaviour that PostgreSQL does not have.
#[proc_macro_attribute]
pub fn sqlite_only(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let tests = [sqlite(&arguments.into())];
    with_tests(&parse_macro_input!(item as ItemFn), &tests)
}

/// Makes one test, `name::postgres`, for behaviour that SQLite does not have.
#[proc_macro_attribute]
pub fn postgres_only(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let tests = [postgres(&arguments.into())];
    with_tests(&parse_macro_input!(item as ItemFn), &tests)
}

/// Name of a test, its attributes, and the function of `support` that starts its server.
type Test = (
    proc_macro2::TokenStream,
    proc_macro2::TokenStream,
    proc_macro2::TokenStream,
);

fn sqlite(arguments: &proc_macro2::TokenStream) -> Test {
    let attributes = quote!(#[::tokio::test(#arguments)]);
    (quote!(sqlite), attributes, quote!(on_sqlite))
}

fn postgres(arguments: &proc_macro2::TokenStream) -> Test {
    let left_out = match cfg!(has_postgres) {
        true => quote!(),
        false => quote!(#[ignore = "no PostgreSQL was found when the tests were built"]),
    };
    let attributes = quote!(#[::tokio::test(#arguments)] #left_out);
    (quote!(postgres), attributes, quote!(on_postgres))
}

fn with_tests(function: &ItemFn, tests: &[Test]) -> TokenStream {
    let name = &function.sig.ident;
    let tests = tests.iter().map(|(test, attributes, on)| {
        quote! {
            #attributes
            async fn #test() {
                crate::support::#on(super::#name).await;
            }
        }
    });
    // A module and a function may have the same name.
    quote! {
        #function

        mod #name {
            #(#tests)*
        }
    }
    .into()
}
