import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import type { Exchange } from '../audit/store-scan.ts';
import type { Store } from '../store/open-store.ts';
import { requireStore } from './no-store.ts';
import { defineAdmin } from './admin-operation.ts';

export function auditStatement({ store }: { readonly store: () => Store | undefined }) {
  return defineAdmin({
    name: 'audit_statement',
    area: 'audit',
    title: 'Exact statement of a call',
    description:
      'The exact statement that a call ran, its parameters, and the relations and columns that it touched. It is kept sealed; reading it is on record.',
    reaches: 'nothing',
    input: { call_id: z.string().min(1).max(100).describe('As in the event of the call.') },
    output: {
      call_id: z.string(),
      at: z.string(),
      sql: z.string(),
      parameters: z.array(z.string().nullable()),
      relations: z.array(z.string()),
    },
    run: async ({ call_id: callId }) => {
      const opened = requireStore(store());
      const exchange: Exchange = (steps) => opened.exchange(steps);
      const [{ isTold, readStatement }, { openStatement }, { statementDigest }] = await Promise.all([
        import('../audit/statement-rows.ts'),
        import('../audit/statement.ts'),
        import('../audit/store-statements.ts'),
      ]);
      const row = await readStatement(exchange, callId);
      if (row === undefined) throw notKept();
      if (!(await isTold(exchange, callId, statementDigest(row.sealed)))) throw notGenuine();
      return { call_id: callId, at: row.at, ...openStatement(opened.keys, row) };
    },
  });
}

function notKept(): PlatformError {
  return new PlatformError('NOT_FOUND', 'No exact statement is kept of this call.', {
    hint: 'Calls that run no statement of their caller have none, and statements are dropped with their events.',
  });
}

function notGenuine(): PlatformError {
  return new PlatformError('CONFLICT', 'The event of this call does not tell of the statement that is kept of it.', {
    hint: 'One of them was changed in the store. Run `howdah audit verify`.',
  });
}
