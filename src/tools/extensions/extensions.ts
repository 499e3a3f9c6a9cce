import { z } from 'zod';
import { defineDiagnostic, nameInput } from '../kit/index.ts';
import { judgeExtensions } from '../server/settings.ts';
import { aboutLibraries, extensionRow, extensionsOf, type ExtensionRow } from './extension-row.ts';
import { hiddenLibraries, judgeLibraries } from './judge-libraries.ts';

export default defineDiagnostic({
  name: 'extensions',
  area: 'extensions',
  title: 'Extensions',
  description: 'Extensions: version, waiting update, schema, owner, library that is not loaded.',
  input: {
    name: nameInput,
    available: z.boolean().default(false),
  },
  row: extensionRow,
  about: aboutLibraries,
  counted: true,
  sql: ({ name, available, limit }) => extensionsOf({ name, available, limit }),
  findings: (rows, { about, facts }) => [
    ...judgeLibraries(rows, about, facts.service),
    ...judgeExtensions(rows.flatMap(installed)),
  ],
  notExamined: (rows, { facts }) => hiddenLibraries(rows, facts.role),
});

function installed({ extension, schema, version, default_version, update_path }: ExtensionRow) {
  return schema === null || version === null
    ? []
    : [{ extension, schema, version, available: default_version, update_path }];
}
