/**
 * HTML in, readable Markdown out, in a thread of its own: a page of five megabytes takes seconds of work, and a page made
 * to hang a parser is ended with its thread. Runs alone, unbuilt too, so it imports packages only.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import TurndownService from 'turndown';

export interface ReadableInput {
  readonly html: string;
  readonly url: string;
}
export interface ReadableOutput {
  readonly title: string;
  readonly markdown: string;
}

function readable({ html, url }: ReadableInput): ReadableOutput {
  const { document } = parseHTML(withHeadAndBody(html));
  for (const node of document.querySelectorAll('script, style, noscript, template, iframe, object, embed, svg, link, meta[http-equiv]')) node.remove();
  makeAbsolute(document, url);
  const title = document.querySelector('title')?.textContent?.trim() ?? '';
  const fallback = document.body.innerHTML;
  const article = new Readability(document as ConstructorParameters<typeof Readability>[0], { charThreshold: 200 }).parse();
  // Readability finds an article; a list of links or a start page is none, and half of it lost would be worse.
  const content = article?.content && (article.textContent ?? '').trim().length >= 200 ? article.content : fallback;
  const turndown = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' });
  turndown.addRule('inlineImage', { filter: (node) => node.nodeName === 'IMG' && /^data:/.test(node.getAttribute('src') ?? ''), replacement: () => '' });
  const { document: part } = parseHTML(`<!doctype html><html><body>${content}</body></html>`);
  const markdown = turndown.turndown(part.body as Parameters<TurndownService['turndown']>[0]).replace(/\n{3,}/g, '\n\n').trim();
  return { title: article?.title?.trim() || title, markdown };
}

/** linkedom makes no body for a page that leaves out `<head>` or `<body>`, as HTML allows, but adds an empty one. */
function withHeadAndBody(html: string): string {
  const { document } = parseHTML(html);
  const [head, body] = document.documentElement?.tagName === 'HTML' ? document.documentElement.children : [];
  if (head?.tagName === 'HEAD' && body?.tagName === 'BODY') return html;
  const title = document.querySelector('title')?.outerHTML ?? '';
  const content = document.querySelector('body')?.innerHTML ?? html.replace(/<head[\s>][\s\S]*?<\/head>/i, '').replace(/<title[\s>][\s\S]*?<\/title>/i, '').replace(/<!doctype[^>]*>|<\/?html[^>]*>/gi, '');
  return `<!doctype html><html><head>${title}</head><body>${content}</body></html>`;
}

/** The little of a document that is used here: the browser's types are not part of this program's. */
interface Queryable {
  querySelectorAll(selector: string): Iterable<{ getAttribute(name: string): string | null; setAttribute(name: string, value: string): void }>;
}

/** A relative link is of no use to somebody who does not know the page's address. */
function makeAbsolute(document: Queryable, url: string): void {
  for (const [selector, name] of [['a[href]', 'href'], ['img[src]', 'src']] as const) {
    for (const node of document.querySelectorAll(selector)) {
      const value = node.getAttribute(name) ?? '';
      if (value.startsWith('#')) continue;
      const absolute = URL.parse(value, url);
      if (absolute) node.setAttribute(name, absolute.href);
    }
  }
}

parentPort?.postMessage(readable(workerData as ReadableInput));
