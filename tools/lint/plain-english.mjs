import { findPhrases } from './phrases.mjs';

/** An ESLint rule: rejects hard-to-read phrases in comments and strings. */
export const plainEnglish = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { phrase: 'Hard to read: "{{phrase}}". Write {{instead}}.' },
  },
  create(context) {
    const { sourceCode } = context;
    const check = (node, text) => {
      for (const { phrase, instead } of findPhrases(text)) {
        context.report({ loc: node.loc, messageId: 'phrase', data: { phrase, instead } });
      }
    };
    return {
      Program() {
        for (const comment of sourceCode.getAllComments()) check(comment, comment.value);
      },
      Literal(node) {
        if (typeof node.value === 'string') check(node, node.value);
      },
      TemplateElement(node) {
        check(node, node.value.cooked ?? node.value.raw);
      },
    };
  },
};
