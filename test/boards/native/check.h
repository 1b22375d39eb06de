/*
 * Cases of a test program: without parameters it lists their names, with a number it runs that case, and exits with 1 and a
 * sentence on standard error at the first thing that is not as it should be.
 */
#ifndef PORTER_TEST_CHECK_H
#define PORTER_TEST_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  void (*run)(void);
} Case;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

#define CHECK_EQUAL(actual, expected) \
  do { \
    const long long actual_ = (long long)(actual); \
    const long long expected_ = (long long)(expected); \
    if (actual_ != expected_) { \
      fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, actual_, expected_); \
      exit(1); \
    } \
  } while (0)

static inline int runCase(int count, char *arguments[], const Case *cases, size_t caseCount) {
  if (count == 1) {
    for (size_t index = 0; index < caseCount; index += 1) puts(cases[index].name);
    return 0;
  }
  const size_t index = (size_t)atoi(arguments[1]);
  CHECK(index < caseCount);
  cases[index].run();
  return 0;
}

#define CASES(cases) \
  int main(int count, char *arguments[]) { return runCase(count, arguments, cases, sizeof cases / sizeof *cases); }

#endif
