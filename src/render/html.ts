const MADE = Symbol('made by html');

/** Text of a page. `html` alone makes it, so that nothing that came from elsewhere is taken for it. */
export interface Html {
  readonly [MADE]: string;
}

type Hole = Html | string | number | null | undefined | false | readonly Hole[];

/** `${hole}` is escaped unless it is Html itself; lists stand one after the other, and what is not there is left out. */
export function html(strings: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  return { [MADE]: strings.map((text, i) => (i === 0 ? '' : textOf(holes[i - 1])) + text).join('') };
}

/** For text that was made as HTML by a library, or that is a constant of ours. */
export function trusted(text: string): Html {
  return { [MADE]: text };
}

export function toText(page: Html): string {
  return page[MADE];
}

function textOf(hole: Hole): string {
  if (hole === null || hole === undefined || hole === false) return '';
  if (typeof hole === 'string') return escape(hole);
  if (typeof hole === 'number') return String(hole);
  return MADE in hole ? hole[MADE] : hole.map(textOf).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in quotes. */
function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
