// Three clients with a normalised cache, each as its documentation sets it up, behind one interface: `open` asks the
// server and hands on what the client makes of the answer, `read` asks the cache alone, `save` sends a mutation.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { getIntrospectionQuery } from 'graphql';
import relay from 'relay-runtime';

import { OPERATIONS } from './operations.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Apollo Client, which has to be told which types an interface has. */
export async function apollo(server) {
  const { __schema } = await server.query('{ __schema { types { name possibleTypes { name } } } }');
  const abstract = __schema.types.filter((type) => type.possibleTypes);
  const possibleTypes = Object.fromEntries(
    abstract.map(({ name, possibleTypes }) => [name, possibleTypes.map((type) => type.name)]),
  );
  const link = new HttpLink({ uri: server.endpoint, headers: { authorization: `Bearer ${server.token}` } });
  const client = new ApolloClient({ cache: new InMemoryCache({ possibleTypes }), link });
  return {
    async open(name, variables) {
      const { data } = await client.query({ query: gql(OPERATIONS[name]), variables, fetchPolicy: 'network-only' });
      return data;
    },
    async read(name, variables) {
      return client.readQuery({ query: gql(OPERATIONS[name]), variables });
    },
    async save(name, variables) {
      const { data } = await client.mutate({ mutation: gql(OPERATIONS[name]), variables });
      return data;
    },
  };
}

/** urql with Graphcache, which reads the types of an interface from the schema. */
export async function graphcache(server) {
  const schema = await server.query(getIntrospectionQuery());
  const client = new Client({
    url: server.endpoint,
    fetchOptions: { headers: { authorization: `Bearer ${server.token}` } },
    preferGetMethod: false,
    exchanges: [cacheExchange({ schema, logger: () => {} }), fetchExchange],
  });
  const answered = async (sent) => {
    const { data, error } = await sent.toPromise();
    if (error) throw error;
    return data;
  };
  return {
    open: (name, variables) => answered(client.query(OPERATIONS[name], variables, { requestPolicy: 'network-only' })),
    read: (name, variables) => answered(client.query(OPERATIONS[name], variables, { requestPolicy: 'cache-only' })),
    save: (name, variables) => answered(client.mutation(OPERATIONS[name], variables)),
  };
}

/** Relay's store, with its documents compiled. Relay takes an `id` for unique among all types unless it is told otherwise. */
export async function relayStore(server) {
  const documents = await compiled();
  const post = async ({ text }, variables) => (await server.post({ query: text, variables })).json();
  const environment = new relay.Environment({
    network: relay.Network.create(post),
    store: new relay.Store(new relay.RecordSource()),
    getDataID: (object, type) => object.id && `${type}:${object.id}`,
  });
  const read = (name, variables) => {
    const operation = relay.createOperationDescriptor(documents[name], variables);
    environment.retain(operation);
    const { data, isMissingData } = environment.lookup(operation.fragment);
    return isMissingData ? null : data;
  };
  return {
    async open(name, variables) {
      await relay.fetchQuery(environment, documents[name], variables, { fetchPolicy: 'network-only' }).toPromise();
      return read(name, variables);
    },
    async read(name, variables) {
      return read(name, variables);
    },
    save: (name, variables) =>
      new Promise((onCompleted, onError) => {
        const mutation = documents[name];
        const settled = (data, errors) => (errors ? onError(new Error(JSON.stringify(errors))) : onCompleted(data));
        relay.commitMutation(environment, { mutation, variables, onCompleted: settled, onError });
      }),
  };
}

/** The documents as Relay's compiler writes them, by their names. */
async function compiled() {
  const folder = mkdtempSync(join(tmpdir(), 'annograph-relay-'));
  try {
    cpSync(join(here, '../../../schema.graphql'), join(folder, 'schema.graphql'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const config = { src: '.', schema: './schema.graphql', language: 'javascript', eagerEsModules: true };
    writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config));
    const tagged = Object.values(OPERATIONS).map((text) => `graphql\`${text}\`;\n`);
    writeFileSync(join(folder, 'cars.js'), tagged.join(''));
    const compiler = join(here, 'node_modules/relay-compiler/cli.js');
    await promisify(execFile)(process.execPath, [compiler, 'relay.config.json'], { cwd: folder, timeout: 60_000 });
    const load = async (name) => {
      const file = join(folder, '__generated__', `${name}.graphql.js`);
      return [name, (await import(pathToFileURL(file).href)).default];
    };
    return Object.fromEntries(await Promise.all(Object.keys(OPERATIONS).map(load)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
