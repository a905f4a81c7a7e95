/** The menu of chat commands, as Telegram shows it behind the slash. */
export const COMMANDS = [
  { command: 'help', description: 'What you can say to me' },
  { command: 'status', description: 'What I am doing' },
  { command: 'new', description: 'Begin a new conversation' },
  { command: 'reset', description: 'Forget this conversation' },
  { command: 'stop', description: 'Stop what is running' },
  { command: 'queue', description: 'How messages that come meanwhile are handled' },
  { command: 'model', description: 'See or choose the model' },
  { command: 'think', description: 'How much is thought before an answer' },
  { command: 'usage', description: 'What was used, in tokens and money' },
  { command: 'approve', description: 'Decide on a command that waits' },
  { command: 'whoami', description: 'Who you are to me' },
  { command: 'link', description: 'Connect your accounts on other messengers' },
] as const;
