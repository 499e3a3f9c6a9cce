import type { Severity } from '../contract/finding.ts';

/** How emphasis reaches the reader: by escape sequences on a terminal, not at all elsewhere. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly severity: (severity: Severity, text: string) => string;
}

/** ECMA-48 SGR parameters. */
const SEVERITY_SGR: Readonly<Record<Severity, string>> = { critical: '1;31', warning: '33', notice: '36', ok: '32' };

const COLOURS: Palette = {
  bold: (text) => paint('1', text),
  dim: (text) => paint('2', text),
  severity: (severity, text) => paint(SEVERITY_SGR[severity], text),
};
const PLAIN: Palette = { bold: (text) => text, dim: (text) => text, severity: (_, text) => text };

export function palette(colors: boolean): Palette {
  return colors ? COLOURS : PLAIN;
}

function paint(sgr: string, text: string): string {
  return text === '' ? '' : `\u001B[${sgr}m${text}\u001B[0m`;
}
