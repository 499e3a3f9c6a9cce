import { z } from 'zod';
import { defineTool, limitInput, nameInput, readParts, schemaInput, statementsOf } from '../kit/index.ts';
import { definerFunctions, openSchemas } from './definer-function.ts';
import { examineDefiners, judgeDefiners, PATHS } from './judge-definers.ts';
import { pageOf, without } from './page.ts';

const PARTS = { definerFunctions, openSchemas };

const row = definerFunctions.shape
  .omit({ total_rows: true, parsed: true, owner_powerful: true, reachable: true })
  .extend({
    path: z
      .enum(PATHS)
      .describe(
        'How names in it are found: by the path of its caller, in a schema that PUBLIC may create in, in temporary schemas first, once for all when it was made, or by a path that only trusted roles can write to.',
      ),
  });

export default defineTool({
  name: 'security_definer_functions',
  area: 'security',
  title: 'SECURITY DEFINER functions',
  description: 'Functions that run as their owner: is the search path pinned, who may call them.',
  input: { schema: schemaInput, name: nameInput, limit: limitInput() },
  output: {
    rows: z.array(row).describe('The unsafe first; those of extensions are left out.'),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run({ schema = null, name = null, limit }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { schema, name });
    const judged = examineDefiners(parts.definerFunctions, parts.openSchemas);
    const { rows, ...counts } = pageOf(judged, limit);
    return {
      rows: rows.map((each) => without(each, 'parsed', 'owner_powerful', 'reachable')),
      ...counts,
      facts,
      findings: judgeDefiners(judged),
      not_examined: [...unreadable],
    };
  },
});
