import { expect, it } from 'vitest';
import { html, toText, trusted } from './html.ts';

it('escapes everything that it did not make itself', () => {
  const hostile = `<script>alert("x")</script>&'`;
  expect(toText(html`<p title="${hostile}">${hostile}</p>`)).toBe(
    '<p title="&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;</p>',
  );
  expect(toText(html`${html`<b>${hostile}</b>`}`)).toContain('<b>&lt;script&gt;');
});

it('joins lists, and leaves out what is not there', () => {
  const list = html`<ul>${['a', 'b'].map((each) => html`<li>${each}</li>`)}</ul>${null}${undefined}${false}${0}`;
  expect(toText(list)).toBe('<ul><li>a</li><li>b</li></ul>0');
});

it('is not fooled by an object that looks like its own', () => {
  const fake = JSON.parse('{"MADE":"<b>"}') as never;
  expect(() => toText(html`${fake}`)).toThrow(TypeError);
});

it('takes what a library made', () => {
  expect(toText(html`${trusted('<svg></svg>')}`)).toBe('<svg></svg>');
});
