/**
 * @file version.h
 * The version of igdef, by semantic versioning.
 */
#ifndef IGDEF_VERSION_H
#define IGDEF_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define IGDEF_VERSION "0.1.0"

/** Version of the linked library, such as "0.1.0". @return borrowed, static */
const char *igd_version(void);

#ifdef __cplusplus
}
#endif

#endif
