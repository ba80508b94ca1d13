/**
 * @file version.h
 * The version of igdef, by semantic versioning.
 */
#ifndef IGDEF_VERSION_H
#define IGDEF_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define IGDEF_VERSION "0.1.0"
#define IGDEF_VERSION_MAJOR 0 /**< Programs of another major version may not link. */
#define IGDEF_VERSION_MINOR 1 /**< While the major is 0, the same holds for this one. */
#define IGDEF_VERSION_PATCH 0 /**< Changes no interface. */
/** 10000 * major + 100 * minor + patch: to compare with `#if`. */
#define IGDEF_VERSION_NUMBER                                                             \
    (10000 * IGDEF_VERSION_MAJOR + 100 * IGDEF_VERSION_MINOR + IGDEF_VERSION_PATCH)

/** Version of the linked library, such as "0.1.0". @return borrowed, static */
const char *igd_version(void);

/** IGDEF_VERSION_NUMBER of the linked library. */
int igd_version_number(void);

/**
 * Whether the linked library suits the headers that the program was compiled with: the
 * same major and minor version, and no older patch. Call it first thing in a program that
 * opens libigdef by name, as igd_library_check(IGDEF_VERSION_NUMBER).
 *
 * @return 1 or 0
 */
int igd_library_check(int version_number);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
