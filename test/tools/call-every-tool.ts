import { isDeepStrictEqual } from 'node:util';
import type { Major } from '../../src/postgres/version.ts';
import { tools } from '../../src/tools/all-tools.ts';
import { inputFor, isUnsupported } from './tool-inputs.ts';

interface Client {
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<Readonly<Record<string, unknown>>>;
}

/** Whether an audit event is of a tool. */
export function isTool(operation: string | null): boolean {
  return tools.some(({ name }) => name === operation);
}

/** What each tool comes to in the fixture, in the order in which they are called. */
export function expectedOutcomes(major: Major): { operation: string; outcome: 'OK' | 'UNSUPPORTED' }[] {
  return tools.map(({ name: operation }) => ({
    operation,
    outcome: isUnsupported(operation, major, 'monitor') ? 'UNSUPPORTED' : 'OK',
  }));
}

/** Calls every tool as a client of the login `monitor`; gives what is not as it was declared, by tool. */
export async function callEveryTool(client: Client, major: Major): Promise<Record<string, unknown>> {
  const faults: Record<string, unknown> = {};
  for (const { name, output } of tools) {
    const { isError, content, structuredContent } = await client.callTool({ name, arguments: { ...inputFor(name) } });
    const refused = isUnsupported(name, major, 'monitor');
    if ((isError === true) !== refused || !isText(content)) faults[name] = content;
    if (refused) continue;
    const declared = output.safeParse(structuredContent);
    if (!declared.success || !isDeepStrictEqual(declared.data, structuredContent)) {
      faults[name] = declared.error?.issues ?? 'a property that is not declared';
    }
  }
  return faults;
}

function isText(content: unknown): boolean {
  const [only, ...others] = content as { type: string; text?: string }[];
  return others.length === 0 && only?.type === 'text' && (only.text ?? '').trim() !== '';
}
