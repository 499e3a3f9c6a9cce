/** `npm run new:tool <area> <tool_name>`: the file of a new tool and its test. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import { AREAS } from '../src/tools/kit/tool.ts';

const [area = '', name = ''] = argv.slice(2);
if (!AREAS.includes(area as (typeof AREAS)[number]) || !/^[a-z]+(_[a-z0-9]+)*$/.test(name)) {
  stderr.write(`usage: npm run new:tool <${AREAS.join('|')}> <tool_name>\n`);
  exit(2);
}

const file = name.replaceAll('_', '-');
const variable = file.replaceAll(/-(\w)/g, (_, c: string) => c.toUpperCase());
const title = name.replaceAll('_', ' ').replace(/^./, (c) => c.toUpperCase());

const tool = `import { z } from 'zod';
import { byServerVersion, defineDiagnostic, quoteIdentifier, sql } from '../kit/index.ts';

export default defineDiagnostic({
  name: '${name}',
  area: '${area}',
  title: '${title}',
  description: 'At most 25 words that tell an agent what it gets.',
  input: {},
  thresholds: { max_connections: z.int().min(0).default(100).describe('Report databases with more.') },
  row: { database: z.string(), connections: z.int() },
  sql: ({ limit }) =>
    byServerVersion({
      12: sql\`
        select d.datname as database, d.numbackends as connections
          from pg_catalog.pg_stat_database d
         where d.datname is not null
         order by connections desc, database
         limit \${limit}\`,
    }),
  findings: (rows, { input: { max_connections } }) =>
    rows
      .filter(({ connections }) => connections > max_connections)
      .map(({ database, connections }) => ({
        severity: 'notice',
        claim: \`The database \${quoteIdentifier(database)} has \${connections} connections.\`,
        object: quoteIdentifier(database),
        evidence: { connections },
        why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW',
      })),
});
`;

const test = `import { expect, it } from 'vitest';
import ${variable} from './${file}.ts';

type Row = Parameters<typeof ${variable}.findings>[0][number];
type Evidence = Parameters<typeof ${variable}.findings>[1];

const row: Row = { database: 'shop', connections: 1 };
const evidence = { input: ${variable}.input.parse({}), about: null } as Evidence;

it('finds nothing where nothing is wrong', () => {
  expect(${variable}.findings([row], evidence)).toEqual([]);
});

it('reports a database with more connections than it was told', () => {
  expect(${variable}.findings([{ ...row, connections: 101 }], evidence)).toMatchObject([{ severity: 'notice' }]);
});
`;

const folder = new URL(`../src/tools/${area.replaceAll('_', '-')}/`, import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [path, text] of [
  [`${file}.ts`, tool],
  [`${file}.test.ts`, test],
] as const) {
  const url = new URL(path, folder);
  if (existsSync(url)) {
    stderr.write(`src/tools/${area}/${path} exists already\n`);
    exit(2);
  }
  writeFileSync(url, text);
  stdout.write(`wrote src/tools/${area}/${path}\n`);
}
stdout.write('next: write its SQL, run `npm run gen`, and add known answers under test/tools/\n');
