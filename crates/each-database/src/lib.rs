//! `#[each_database]`: one test on SQLite and one on PostgreSQL, filtered and counted apart.

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
    let arguments = proc_macro2::TokenStream::from(arguments);
    let test = parse_macro_input!(item as ItemFn);
    let name = &test.sig.ident;
    let left_out = match cfg!(has_postgres) {
        true => quote!(),
        false => quote!(#[ignore = "no PostgreSQL was found when the tests were built"]),
    };
    // A module and a function may have the same name.
    quote! {
        #test

        mod #name {
            #[::tokio::test(#arguments)]
            async fn sqlite() {
                crate::support::on_sqlite(super::#name).await;
            }

            #[::tokio::test(#arguments)]
            #left_out
            async fn postgres() {
                crate::support::on_postgres(super::#name).await;
            }
        }
    }
    .into()
}
