import type { Operation } from '../calls/operation.ts';
import type { Tool } from '../tools/kit/index.ts';
import { toJsonSchema } from './tool-entry.ts';

/**
 * All there is to know of a tool, as Markdown: it is read by models and people, and SQL inside JSON would be one long
 * escaped line.
 */
export function renderToolDocument(tool: Operation): string {
  const aliases = Object.entries(tool.alsoKnownAs);
  const statements = hasStatements(tool) ? tool.statements : [];
  return [
    `# ${tool.name}`,
    `${tool.title}. ${tool.description}`,
    `Area \`${tool.area}\`, class \`${tool.accessClass}\`.`,
    ...(aliases.length > 0 ? ['## Also known as', aliases.map(describeAlias).join('\n')] : []),
    '## Input',
    codeBlock('json', JSON.stringify(toJsonSchema(tool.input, 'input'), null, 2)),
    '## Output',
    codeBlock('json', JSON.stringify(toJsonSchema(tool.output, 'output'), null, 2)),
    ...(statements.length > 0 ? ['## Statements'] : []),
    ...statements.flatMap(({ since, text }) => [`From ${since}:`, codeBlock('sql', text)]),
  ].join('\n\n');
}

function describeAlias([alias, names]: readonly [string, Readonly<Record<string, string>>]): string {
  const renamed = Object.entries(names).map(([theirs, ours]) => `\`${theirs}\` is \`${ours}\``);
  return `- \`${alias}\`${renamed.length > 0 ? `, where ${renamed.join(' and ')}` : ''}`;
}

function codeBlock(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function hasStatements(operation: Operation): operation is Tool {
  return 'statements' in operation;
}
