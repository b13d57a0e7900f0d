// PostGraphile for production: the Amber preset over node:http, without Ruru, plans in answers, or a watch on the schema.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { DATABASE_URL, PORT, PRINT_SCHEMA } = process.env;

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: DATABASE_URL,
      schemas: ["public"],
      poolConfig: { max: 16 }, // As many connections as Annograph's default.
    }),
  ],
  grafast: { explain: false },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, maxRequestLength: 10_000_000 },
});

if (PRINT_SCHEMA) {
  const { printSchema } = await import("graphql");
  console.log(printSchema(await instance.getSchema()));
  process.exit(0);
}

const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
