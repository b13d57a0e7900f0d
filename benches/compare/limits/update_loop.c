/* The limit of updates on SQLite: one writer, prepared statements, durable commits (synchronous = FULL).
 *
 *   update_loop FILE BATCH SECONDS RESULT_FILE ANNOTATIONS
 *
 * BATCH updates share a transaction, as many as clients of a server that commits in groups would wait for.
 * Prints the updates per second. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sqlite3 *database;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void expect(int code, int expected) {
  if (code == expected) return;
  fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(database));
  exit(1);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  expect(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK);
  return statement;
}

static void run(sqlite3_stmt *statement) {
  expect(sqlite3_step(statement), SQLITE_DONE);
  sqlite3_reset(statement);
}

static char *read_file(const char *path, int *length) {
  FILE *file = fopen(path, "rb");
  if (!file) { perror(path); exit(1); }
  fseek(file, 0, SEEK_END);
  *length = (int)ftell(file);
  rewind(file);
  char *text = malloc(*length);
  if (!text || fread(text, 1, *length, file) != (size_t)*length) { perror(path); exit(1); }
  fclose(file);
  return text;
}

/* xorshift64: https://www.jstatsoft.org/article/view/v008i14 */
static uint64_t next_random(void) {
  static uint64_t state = 88172645463325252u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

int main(int count, char **arguments) {
  if (count != 6) { fprintf(stderr, "update_loop FILE BATCH SECONDS RESULT_FILE ANNOTATIONS\n"); return 2; }
  int batch = atoi(arguments[2]), annotations = atoi(arguments[5]), length;
  double seconds = atof(arguments[3]);
  char *result = read_file(arguments[4], &length);

  expect(sqlite3_open(arguments[1], &database), SQLITE_OK);
  expect(sqlite3_exec(database,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                      "PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456;",
                      NULL, NULL, NULL),
         SQLITE_OK);
  sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
  sqlite3_stmt *read = prepare("SELECT task_id, author_id, was_cancelled, version, result FROM annotation WHERE id = ?1");
  sqlite3_stmt *update = prepare(
      "UPDATE annotation SET result = ?2, region_count = 8, was_cancelled = 0, lead_time = ?3, last_action = 'UPDATED', "
      "version = ?4, updated_at = ?5 WHERE id = ?1");
  sqlite3_stmt *record = prepare(
      "INSERT INTO revision (annotation_id, version, actor_id, action, result, was_cancelled, ground_truth, lead_time, "
      "created_at) VALUES (?1, ?4, ?6, 'UPDATED', ?2, 0, 0, ?3, ?5)");
  sqlite3_stmt *tally = prepare(
      "UPDATE task SET cancelled_annotations = cancelled_annotations - ?2, total_annotations = total_annotations + ?2, "
      "is_labeled = total_annotations + ?2 > 0, updated_at = ?3 WHERE id = ?1");

  long updates = 0;
  double start = now();
  while (now() - start < seconds) {
    run(begin);
    for (int i = 0; i < batch; i++, updates++) {
      char time[40];
      snprintf(time, sizeof time, "2026-01-02 03:04:05.%06ld+00:00", updates % 1000000);
      int id = (int)(next_random() % annotations) + 1;

      sqlite3_bind_int(read, 1, id);
      expect(sqlite3_step(read), SQLITE_ROW);
      int task = sqlite3_column_int(read, 0), author = sqlite3_column_int(read, 1);
      int was_cancelled = sqlite3_column_int(read, 2), version = sqlite3_column_int(read, 3) + 1;
      sqlite3_column_text(read, 4);
      sqlite3_reset(read);

      sqlite3_stmt *writes[] = {update, record};
      for (int w = 0; w < 2; w++) {
        sqlite3_bind_int(writes[w], 1, id);
        sqlite3_bind_text(writes[w], 2, result, length, SQLITE_STATIC);
        sqlite3_bind_double(writes[w], 3, (double)(next_random() % 100000) / 1000);
        sqlite3_bind_int(writes[w], 4, version);
        sqlite3_bind_text(writes[w], 5, time, -1, SQLITE_STATIC);
        if (writes[w] == record) sqlite3_bind_int(record, 6, author);
        run(writes[w]);
      }
      sqlite3_bind_int(tally, 1, task);
      sqlite3_bind_int(tally, 2, was_cancelled);
      sqlite3_bind_text(tally, 3, time, -1, SQLITE_STATIC);
      run(tally);
    }
    run(commit);
  }
  printf("%.1f\n", updates / (now() - start));
  return 0;
}
