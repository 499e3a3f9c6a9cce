import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import {
  defineTool,
  limitInput,
  nameInput,
  readParts,
  statementsOf,
  tellWithheld,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import { judgeSettings, settings as dangerous } from '../server/settings.ts';
import { fileErrors, FILES_UNREAD, heldForRestart, judgeFiles, mayReadFiles, withoutHeld } from './file-errors.ts';
import { overrides, showOverride } from './overrides.ts';
import { judgeQuestionable, questionable } from './questionable.ts';
import { settingRow, settings, showSetting } from './setting-row.ts';

const PARTS = { settings, overrides, dangerous, questionable, mayReadFiles };
const FILES = { fileErrors, heldForRestart };

export default defineTool({
  name: 'settings',
  area: 'configuration',
  title: 'Settings',
  description:
    'Settings: values, defaults, where set, what waits for a restart, overrides, dangerous values, file errors.',
  alsoKnownAs: { get_postgresql_config: { config_name: 'name', filter_text: 'text' } },
  seldom: ['category', 'pending_restart'],
  input: {
    name: nameInput,
    text: nameInput.describe('As `name`, of a name or a description.'),
    category: nameInput.describe('As `name`, of a category, such as autovacuum.'),
    changed_only: z.boolean().default(false).describe('Those that somebody has set.'),
    pending_restart: z.boolean().default(false).describe('Those that wait for a restart.'),
    limit: limitInput(),
  },
  output: {
    rows: z.array(settingRow),
    truncated: z.boolean(),
    total: z.int().min(0),
    overrides: z.array(overrides.shape).describe('Values that a role or a database has instead, for new sessions.'),
    file_errors: z.array(fileErrors.shape).nullable().describe('Null where the login may not read the files.'),
  },
  sees: [
    { what: 'settings that only privileged roles may see, and where each is set', privilege: 'pg_read_all_settings' },
  ],
  statements: statementsOf({ ...PARTS, ...FILES }),
  async run(input, target, { persona }) {
    const { name = null, text = null, category = null, changed_only, pending_restart, limit } = input;
    const values = { name, text, category, changed_only, pending_restart, limit: limit + 1 };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, values);
    const files = await readFiles(target, parts.mayReadFiles);
    const isWhole = name === null && text === null && category === null;
    return {
      rows: parts.settings.slice(0, limit).map(showSetting),
      truncated: parts.settings.length > limit,
      total: parts.settings[0]?.total_rows ?? 0,
      overrides: parts.overrides.slice(0, limit).map(showOverride),
      file_errors: files.errors,
      facts,
      findings: [
        ...judgeFiles(files.errors ?? []),
        ...judgeSettings(parts.dangerous, facts.service),
        ...judgeQuestionable(parts.questionable),
      ],
      not_examined: [
        ...tellWithheld(withheld.get(overrides.what) ?? 0, persona.name, [overrides.what]),
        ...unreadable,
        ...files.unreadable,
        ...(files.errors === null && files.unreadable.length === 0 && isWhole ? [FILES_UNREAD] : []),
        ...(parts.overrides.length > limit ? [MORE_OVERRIDES] : []),
      ],
    };
  },
});

const MORE_OVERRIDES: NotExamined = {
  what: `more ${overrides.what}`,
  reason: 'The list ends at the limit.',
  remedy: 'Ask for a name, or with a higher limit.',
};

interface Files {
  /** Null where the login may not read them. */
  readonly errors: RowOf<typeof fileErrors>[] | null;
  readonly unreadable: readonly NotExamined[];
}

/** Not tried without the right: PostgreSQL would log an error each time. */
async function readFiles(target: ReachedDatabase, rights: readonly RowOf<typeof mayReadFiles>[]): Promise<Files> {
  if (rights[0]?.granted !== true) return { errors: null, unreadable: [] };
  const { parts, unreadable } = await readParts(target, FILES, {});
  return { errors: unreadable.length === 0 ? withoutHeld(parts.fileErrors, parts.heldForRestart) : null, unreadable };
}
