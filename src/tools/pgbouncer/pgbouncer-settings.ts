import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { commandsOf, defineTool, limitInput, nameInput, readPoolers, tellWithheld } from '../kit/index.ts';
import { askServer, serverStatements } from './ask-server.ts';
import { budgetsOf, type Budget } from './budget.ts';
import { judgeBudgets, judgeSetup } from './judge-settings.ts';
import { poolerInput } from './pool-row.ts';
import { budgetRow, roomRow, settingRow } from './setting-row.ts';
import { chooseSettings, maskSettings } from './settings.ts';
import { readSetup } from './setup.ts';

export default defineTool({
  name: 'pgbouncer_settings',
  area: 'pgbouncer',
  title: 'PgBouncer settings',
  description: 'Settings that matter or were changed; connections that pools may open against max_connections.',
  clusterWide: true,
  input: {
    name: nameInput,
    all: z.boolean().default(false).describe('Also those that nobody has changed.'),
    pooler: poolerInput,
    limit: limitInput(50),
  },
  seldom: ['pooler', 'all'],
  output: {
    rows: z.array(z.object(settingRow)),
    truncated: z.boolean(),
    total: z.int().min(0),
    server_connections: z.object(roomRow).nullable().describe('Null where the server could not be asked.'),
    budgets: z.array(z.object(budgetRow)).describe('Connections that the pools may open, by the address they go to.'),
  },
  statements: [...commandsOf('config', 'databases', 'users', 'pools', 'servers'), ...serverStatements],
  async run({ name, all, pooler, limit }, target, { persona, statementTexts }) {
    const { read, unreadable } = await readPoolers(target, pooler, (session, each) => readSetup(session, each, target));
    const asked = await askServer(
      target,
      read.flatMap(({ configured }) => budgetsOf(configured)),
    );
    const shown = asked.budgets.filter((budget) => isShown(budget, target));
    const chosen = chooseSettings(
      read.flatMap(({ settings }) => settings),
      { name, all },
    );
    return {
      rows: await maskSettings(chosen.slice(0, limit), statementTexts),
      truncated: chosen.length > limit,
      total: chosen.length,
      server_connections: asked.room ? z.object(roomRow).parse(asked.room) : null,
      budgets: shown.map((budget) => z.object(budgetRow).parse(budget)),
      facts: undefined,
      findings: [...judgeBudgets(asked.budgets, asked.room), ...read.flatMap(judgeSetup)],
      not_examined: [...tellWithheld(asked.budgets.length - shown.length, persona.name), ...unreadable, ...asked.gaps],
    };
  },
});

function isShown({ of }: Budget, target: ReachedDatabase): boolean {
  return of.some(({ serverDatabase }) => target.mayShow(serverDatabase));
}
