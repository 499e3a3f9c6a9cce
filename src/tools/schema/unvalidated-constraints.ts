import { defineDiagnostic, schemaInput, type NotExamined } from '../kit/index.ts';
import { judgeUnvalidated } from './judge-unvalidated.ts';
import { unvalidatedConstraints, unvalidatedRow } from './unvalidated.ts';

export default defineDiagnostic({
  name: 'unvalidated_constraints',
  area: 'schema',
  title: 'Constraints not in force',
  description: 'Constraints NOT VALID, NOT ENFORCED or unchecked; disabled triggers and rules.',
  input: { schema: schemaInput },
  row: unvalidatedRow,
  counted: true,
  sql: ({ schema, limit, estimate_sizes }) => unvalidatedConstraints({ schema, limit, estimateSizes: estimate_sizes }),
  findings: judgeUnvalidated,
  notExamined: (rows): NotExamined[] => {
    const locked = rows.filter(({ definition, kind }) => definition === null && kind !== 'rule');
    if (locked.length === 0) return [];
    const what = `the definitions of ${locked.length} of them`;
    const reason = 'A session holds or awaits an exclusive lock on their tables, and writing them out would wait.';
    return [{ what, reason, remedy: 'activity shows who blocks whom.' }];
  },
});
