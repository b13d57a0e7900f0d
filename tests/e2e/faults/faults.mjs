// Storage in trouble: disks that are full or read-only, files that are gone or damaged, databases that stop, freeze or take
// no writes. What the server says of it, what it has done, and that it works again by itself.
//
//   node faults.mjs ANNOGRAPH
//
// Each group of cases is a file of its own, which exports its checks. ONLY names those to run. As root it mounts small
// disks in memory; elsewhere the cases that need one are left out. PostgreSQL is a throw-away cluster.

import { run, words } from '../support/support.mjs';
import * as imports from './imports.mjs';
import * as postgres from './postgres.mjs';
import * as sqlite from './sqlite.mjs';
import * as starts from './starts.mjs';
import { release } from './stages.mjs';

const [annograph] = words('ANNOGRAPH');
const groups = { sqlite, postgres, imports, starts };

const checks = {};
for (const [group, { default: cases }] of Object.entries(groups)) {
  for (const [name, check] of Object.entries(cases)) {
    checks[`${group}: ${name}`] = () => check(annograph);
  }
}

await run(checks, { limit: 90_000, after: release });
