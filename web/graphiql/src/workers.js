// Monaco runs its languages in workers. Bundled as files of their own, they need neither `blob:` nor `eval`.
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker';

const byLanguage = { graphql: GraphQLWorker, json: JsonWorker };

globalThis.MonacoEnvironment = {
  getWorker(_moduleId, language) {
    const Worker = byLanguage[language] ?? EditorWorker;
    return new Worker();
  },
};
