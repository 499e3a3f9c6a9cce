import { defineDiagnostic } from '../kit/index.ts';
import { collationRow, collations } from './collation.ts';
import { judgeCollations, unknownCollations } from './judge-collations.ts';

export default defineDiagnostic({
  name: 'collation_versions',
  area: 'schema',
  title: 'Collation versions',
  description: 'Collations that an upgrade of the operating system changed, and the indexes ordered by them.',
  input: {},
  row: collationRow,
  counted: true,
  sql: ({ limit }) => collations(limit),
  findings: (rows, { facts }) => judgeCollations(rows, facts.inRecovery),
  notExamined: (rows, { facts }) => unknownCollations(rows, facts.major),
});
