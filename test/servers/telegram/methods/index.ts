/** The methods that are played. Others of the API are known by name and refused as missing here. */
import { chats } from './chats.js';
import type { Methods } from './context.js';
import { edits } from './edits.js';
import { intake } from './intake.js';
import { media } from './media.js';
import { messages } from './messages.js';

export const methods: Methods = { ...intake, ...messages, ...media, ...edits, ...chats };
