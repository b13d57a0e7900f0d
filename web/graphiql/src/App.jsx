import { useEffect, useMemo, useRef, useState } from 'react';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { explorerPlugin } from '@graphiql/plugin-explorer';

import * as apiToken from './token.js';
import { createFetcher } from './fetcher.js';
import { examples } from './examples.js';
import { SignIn } from './SignIn.jsx';
import icon from './icon.svg';

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

export function App() {
  const [token, setToken] = useState(apiToken.stored);
  const [refusedToken, setRefusedToken] = useState(null);
  const variableEditor = useRef(null);

  function signIn(newToken) {
    apiToken.store(newToken);
    setRefusedToken(null);
    setToken(newToken);
  }

  function signOut() {
    apiToken.forget();
    setToken(null);
  }

  // A sign-in link opened in this tab changes the fragment without loading the page anew.
  useEffect(() => {
    function onHashChange() {
      const linked = apiToken.takeFromLink();
      if (linked) signIn(linked);
    }
    window.addEventListener('hashchange', onHashChange);
    return () => window.removeEventListener('hashchange', onHashChange);
  }, []);

  const fetcher = useMemo(
    () =>
      createFetcher({
        token,
        variablesText: () => variableEditor.current?.getValue(),
        onRefused: setRefusedToken,
      }),
    [token],
  );

  const refused = token !== null && token === refusedToken;
  return (
    <>
      {(!token || refused) && <SignIn refused={refused} onSignIn={signIn} />}
      <div className="page-graphiql">
        {/* Keyed by token: what one user was shown does not stay on the screen for the next. */}
        <GraphiQL
          key={token}
          fetcher={fetcher}
          schema={token ? undefined : null}
          plugins={PLUGINS}
          defaultTabs={examples}
          defaultEditorToolsVisibility="variables"
          inputValueDeprecation
          // GraphiQL's history would keep headers, and so tokens typed into them, in localStorage.
          isHeadersEditorEnabled={false}
          showPersistHeadersSettings={false}
        >
          <GraphiQL.Logo>
            <Brand onSignOut={token && signOut} />
          </GraphiQL.Logo>
          <VariableEditorRef into={variableEditor} />
          <StopOnLeaving />
        </GraphiQL>
      </div>
    </>
  );
}

function Brand({ onSignOut }) {
  return (
    <div className="page-brand">
      <img src={icon} alt="" />
      <span>Annograph</span>
      {onSignOut && (
        <button type="button" className="page-button" title="Forget the token in this tab" onClick={onSignOut}>
          Sign out
        </button>
      )}
    </div>
  );
}

function VariableEditorRef({ into }) {
  const editor = useGraphiQL((state) => state.variableEditor);
  useEffect(() => {
    into.current = editor;
  }, [editor]);
  return null;
}

/** Ends a subscription when its tab is left, by `+` too, and when its GraphiQL goes, as it does at signing out. */
function StopOnLeaving() {
  const { stop } = useGraphiQLActions();
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);
  useEffect(() => stop, [tab]);
  return null;
}
