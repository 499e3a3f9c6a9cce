import { z } from 'zod';
import { defineTool, limitInput, readParts, statementsOf, tellWithheld } from '../kit/index.ts';
import { judgeEncryption } from './judge-encryption.ts';
import { pageOf } from './page.ts';
import { encryptionSettings, sessionGroups, sessionTotals, showEncryptionSetting } from './session-encryption.ts';

const PARTS = { sessionGroups, sessionTotals, encryptionSettings };

export default defineTool({
  name: 'encrypted_connections',
  area: 'security',
  title: 'Encrypted connections',
  description: 'Network sessions without encryption, TLS versions, ciphers, client certificates.',
  clusterWide: true,
  input: { limit: limitInput() },
  output: {
    sessions: sessionTotals.shape.nullable(),
    rows: z.array(sessionGroups.shape.omit({ total_rows: true })).describe('Those without encryption first.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    settings: z.array(encryptionSettings.shape),
  },
  sees: [
    { what: 'how sessions of other roles are encrypted, and from where', privilege: 'pg_read_all_stats' },
    { what: 'some settings of TLS, such as the versions that it takes', privilege: 'pg_read_all_settings' },
  ],
  statements: statementsOf(PARTS),
  async run({ limit }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit });
    const [totals] = parts.sessionTotals;
    return {
      sessions: totals ?? null,
      ...pageOf(parts.sessionGroups, limit),
      settings: parts.encryptionSettings.map(showEncryptionSetting),
      facts,
      findings: judgeEncryption({ totals, settings: parts.encryptionSettings, service: facts.service }),
      not_examined: [
        ...tellWithheld(withheld.get(sessionGroups.what) ?? 0, persona.name, [sessionGroups.what]),
        ...unreadable,
      ],
    };
  },
});
