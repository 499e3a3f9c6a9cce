import { z } from 'zod';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import { byServerVersion, definePart, matchesName, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { isOfLogin, isOurs, ownSetting, ownSource } from './own-value.ts';
import { formatSetting } from './setting-value.ts';

const text = z.string().nullable();

/** Neither built in nor worked out by the server; what is ours is judged by what it would be without us. */
const isChanged = sql`case when ${isOfLogin} then false when ${isOurs} then s.reset_val is distinct from s.boot_val
                         else s.source not in ('default', 'dynamic default', 'override', 'client') end`;

/** A file has another value; where the command line has the last word, a restart changes nothing. */
const isPending = sql`(s.pending_restart and s.source <> 'command line')`;

function matchesText(column: Sql, given: 'text' | 'category'): Sql {
  return matchesName(column, param(given));
}

export const settings = definePart({
  what: 'settings',
  row: {
    name: z.string(),
    value: text,
    setting: text,
    unit: text,
    default: text,
    changed: z.boolean(),
    source: text,
    file: text.meta({ names: 'text' }),
    line: z.int().nullable(),
    pending_restart: z.boolean(),
    context: z.string(),
    type: z.string(),
    min: text,
    max: text,
    choices: z.array(z.string()).nullable(),
    category: z.string(),
    description: z.string().meta({ names: 'text' }),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      select q.name, null::text as value, q.setting, q.unit, q.boot_val as default, q.changed, q.source, q.sourcefile as file, q.sourceline as line,
             q.pending_restart, q.context, q.vartype as type, q.min_val as min, q.max_val as max, pg_catalog.to_json(q.enumvals) as choices,
             q.category, q.short_desc as description, pg_catalog.count(*) over () as total_rows
        from (
          select s.name, ${ownSetting} as setting, ${ownSource} as source,
                 ${isChanged} as changed, s.unit, s.boot_val, s.sourcefile, s.sourceline, ${isPending} as pending_restart, s.context, s.vartype,
                 s.min_val, s.max_val, s.enumvals, s.category, s.short_desc
            from pg_catalog.pg_settings s
           where ${matchesName(sql`s.name`, param('name'))} and ${matchesText(sql`s.category`, 'category')}
             and (${matchesText(sql`s.name`, 'text')} or ${matchesText(sql`s.short_desc`, 'text')})
             and (${isPending} or not ${param('pending_restart')}::boolean)
        ) q
       where q.changed or not ${param('changed_only')}::boolean
       order by pg_catalog.lower(q.name) = pg_catalog.lower(coalesce(${param('name')}::text, ${param('text')}::text)) desc,
                q.pending_restart desc, q.changed desc, q.name
       limit ${param('limit')}`,
  }),
});
type Stored = RowOf<typeof settings>;

/** A setting as the answer has it: in words that people use, without secrets. */
export const settingRow = settings.shape.omit({ total_rows: true }).extend({
  value: text.describe(
    'As SHOW writes it. Secrets are withheld. Null where the login of Howdah has a value of its own, which hides that of the server: see `overrides`.',
  ),
  setting: text.describe('The same number in `unit`; null where it has none.'),
  default: text.describe('Built in; of a packaged or managed server the file or the start may say otherwise.'),
  changed: z.boolean().describe('Set by somebody, be it to the default.'),
  source: text.describe(
    'Null where Howdah sets another value in its own transactions; `user`: set for the login of Howdah; `database`: for the one that is asked.',
  ),
  file: text.meta({ names: 'text' }).describe('Where it is set; null where the login may not see that.'),
  pending_restart: z.boolean().describe('The file has a value that a restart will bring into force.'),
  context: z.string().describe('Who can change it when: postmaster takes a restart, sighup a reload.'),
});

export function showSetting(row: Stored): z.output<typeof settingRow> {
  const { name, unit } = row;
  const shown = (value: string | null) => maskSetting(name, value);
  return settingRow.parse({
    ...row,
    value: shown(formatSetting(row.setting, unit)),
    setting: unit === null ? null : shown(row.setting),
    default: shown(formatSetting(row.default, unit)),
  });
}
