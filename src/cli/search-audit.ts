import type { AuditEvent } from '../contract/audit-event.ts';
import type { Field } from '../render/field.ts';
import { renderTable } from '../render/table.ts';
import { administer, ADMINISTERING } from './administer.ts';
import { filterArguments } from './audit-arguments.ts';
import { withHowdah } from './local-howdah.ts';
import { numberArgument } from './number-argument.ts';
import { printOutcome } from './print-outcome.ts';
import type { Shell } from './shell.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>> & {
  readonly limit?: string;
  readonly cursor?: string;
};

export function search(shell: Shell, { limit, cursor, ...flags }: Flags): Promise<number> {
  return withHowdah(shell, ADMINISTERING, async (howdah) => {
    const outcome = await howdah.administer({
      name: 'audit_search',
      arguments: {
        ...filterArguments(flags),
        ...numberArgument('limit', limit),
        ...(cursor !== undefined && { cursor }),
      },
    });
    if (!outcome.ok || shell.json) {
      printOutcome(shell, outcome);
      return 0;
    }
    const { rows = [], next } = outcome.output;
    const { screen } = shell;
    if (rows.length === 0) screen.note('No event matches.');
    else for (const line of eventTable(rows as readonly AuditEvent[], screen)) screen.print(line);
    if (typeof next === 'string') screen.note(`More: the same with --cursor ${next}`);
    return 0;
  });
}

export function stats(
  shell: Shell,
  { by, sessions = false, limit, ...flags }: Flags & { readonly by?: string; readonly sessions?: boolean },
): Promise<number> {
  const given = { ...filterArguments(flags), ...numberArgument('limit', limit), ...(by !== undefined && { by }) };
  return administer(shell, sessions ? 'audit_sessions' : 'audit_stats', given);
}

/** Of a call or of an event. */
export function show(shell: Shell, id: string): Promise<number> {
  return withHowdah(shell, ADMINISTERING, async (howdah) => {
    const outcome = await howdah.administer({ name: 'audit_show', arguments: { id } });
    if (!outcome.ok || shell.json) {
      printOutcome(shell, outcome);
      return 0;
    }
    const { events, dialogue, places } = outcome.output;
    const { screen } = shell;
    for (const event of [...(events as AuditEvent[]), ...(dialogue as AuditEvent[])]) {
      const told = Object.entries(event).filter(([, value]) => value !== null && !isEmpty(value));
      const fields = [textField('column'), textField('value')];
      const lines = told.map(([column, value]) => ({
        column,
        value: typeof value === 'object' ? JSON.stringify(value) : value,
      }));
      // without its heading; a value may be as long as it is
      for (const line of renderTable(fields, lines, { ...screen, width: undefined }).slice(1)) screen.print(line);
      screen.print('');
    }
    for (const place of places as readonly Place[]) screen.print(describePlace(place));
    return 0;
  });
}

interface Place {
  readonly chain: string;
  readonly sequence: number;
  readonly follows: boolean | null;
  readonly followed: boolean | null;
}

function describePlace({ chain, sequence, follows, followed }: Place): string {
  const before =
    follows === null ? 'the first' : follows ? 'links to the one before it' : 'DOES NOT FOLLOW the one before it';
  const behind = followed === null ? 'the newest' : followed ? 'is linked by the next' : 'IS NOT LINKED by the next';
  return `event ${sequence} of chain ${chain}: ${before}, ${behind}`;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

const textField = (key: string): Field => ({ key, unit: undefined, numeric: false, time: false, fields: [] });
const COLUMNS: readonly Field[] = [
  { ...textField('at'), time: true },
  ...['kind', 'outcome', 'principal', 'operation', 'place'].map(textField),
  { ...textField('rows'), numeric: true },
  { ...textField('duration'), numeric: true, unit: 'ms' },
  ...['call_id', 'rule'].map(textField),
];
/** A shorter line has no room for the ids of calls; `--json` has them. */
const ROOM_FOR_IDS = 140;

function eventTable(events: readonly AuditEvent[], { width, palette }: Shell['screen']): string[] {
  const rows = events.map((event) => ({
    ...event,
    principal: event.principal_subject,
    place: [event.server, event.database].filter((part) => part !== null).join('/') || null,
    duration: event.duration_ms,
    rule: event.decision === 'deny' ? event.rule : null,
  }));
  const shown = COLUMNS.filter(({ key }) => {
    if (key === 'call_id') return width === undefined || width >= ROOM_FOR_IDS;
    return rows.some((row) => row[key as keyof typeof row] !== null);
  });
  return renderTable(shown, rows, { width, palette });
}
