import { expect, it } from 'vitest';
import { createWithheld } from '../../calls/reached-session.ts';
import type { FleetServer } from '../../fleet/fleet.ts';
import { composeAnswer } from './answer.ts';

const at = {
  server: { name: 'main' } as FleetServer,
  database: 'shop',
  persona: 'dba',
  withheld: createWithheld(false, {}),
};
const finding = { severity: 'notice', claim: 'Old.', evidence: {}, next_step: 'ANALYZE;' } as const;
const gap = { what: 'exact bloat', reason: 'No pgstattuple.', remedy: 'CREATE EXTENSION pgstattuple;' };

it('advises for the primary what a standby cannot do', () => {
  const facts = { inRecovery: true };
  expect(composeAnswer(at, { findings: [finding], gaps: [gap], facts }, {})).toEqual({
    server: 'main',
    database: 'shop',
    findings: [{ ...finding, next_step: '-- on the primary:\nANALYZE;' }],
    not_examined: [{ ...gap, remedy: '-- on the primary:\nCREATE EXTENSION pgstattuple;' }],
  });
});

it('leaves out what was not examined where everything was, and advice where there is none', () => {
  const { next_step: _, ...plain } = finding;
  expect(composeAnswer(at, { findings: [plain], gaps: [], facts: { inRecovery: true } }, { rows: [] })).toEqual({
    server: 'main',
    database: 'shop',
    findings: [plain],
    rows: [],
  });
});
