import { createRoot } from 'react-dom/client';

import './workers.js';
import '@graphiql/react/style.css';
import 'graphiql/graphiql.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';
import { App } from './App.jsx';
import * as apiToken from './token.js';

const linked = apiToken.takeFromLink();
if (linked) apiToken.store(linked);

createRoot(document.getElementById('root')).render(<App />);
