/**
 * A markup unlike Telegram's, as Slack's and WhatsApp's are: marks are signs of the text, quotes a prefix of each line, code fenced,
 * the limit counts the bytes of the markup itself. It shows that the walker, the layout and the splitting hold for that kind too.
 */
import type { Emitter } from '../../../src/adapters/render/emitter.js';

const sign = (mark: string): { readonly open: string; readonly close: string } => ({ open: mark, close: mark });
const escape = (text: string): string => text.replace(/[<>&]/g, (char) => `&${{ '<': 'lt', '>': 'gt', '&': 'amp' }[char]};`);

export const mrkdwn: Emitter = {
  format: 'mrkdwn',
  limit: 12_000,
  measure: (markup) => Buffer.byteLength(markup),
  escape,
  marks: { bold: sign('*'), italic: sign('_'), underline: sign(''), strike: sign('~') },
  code: (text) => `\`${escape(text)}\``,
  codeAlone: false,
  pre: (code) => `\`\`\`\n${escape(code)}\n\`\`\``,
  preIndented: false,
  linkable: (url) => /^https?:/.test(url),
  link: (url) => ({ open: `<${escape(url)}|`, close: '>', cut: '>' }),
  quote: { kind: 'prefix', prefix: '> ' },
  heading: () => '',
  bullets: ['-'],
  task: (done) => (done ? '[+]' : '[-]'),
  rule: '---',
};
