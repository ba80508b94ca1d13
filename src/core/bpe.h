// CLIP's tokenizer: byte-level byte pair encoding.
#ifndef IGD_CORE_BPE_H
#define IGD_CORE_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_bpe igd_bpe;

// Reads a vocabulary: CLIP's merges (bpe_simple_vocab_16e6.txt, plain or .gz, of which
// the first 48,894 count), smaller ones in that format, or Hugging Face's vocab.json with
// merges.txt beside it (give vocab.json or the folder).
igd_status igd_bpe_load(igd_bpe **out, const char *path);
// CLIP's merges from memory; `path` starts the messages.
igd_status igd_bpe_parse(igd_bpe **out, const char *text, size_t size, const char *path);
void igd_bpe_free(igd_bpe *b); // NULL is fine

int64_t igd_bpe_size(const igd_bpe *b); // tokens, one more than the highest
int64_t igd_bpe_start(const igd_bpe *b);
int64_t igd_bpe_end(const igd_bpe *b);

// tokens [context] := start, those of a UTF-8 text, end, zeros. A text that is too long
// loses its last tokens, not the end. *num is how many tokens it has with start and end,
// more than `context` where it lost some; may be NULL.
//
// Differs from the reference in two steps that repair web text before: broken encodings
// (ftfy) and HTML entities stay as they are.
igd_status igd_bpe_encode(int64_t *tokens, int *num, const igd_bpe *b, const char *text,
                          int context);

#endif
