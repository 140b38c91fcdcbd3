/*-------------------------------------------------------------------------
 *
 * secrets.h
 *	  Passwords in texts that people are shown.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SECRETS_H
#define SG_SECRETS_H

/*
 * The text with "***" for each secret in it, or the very text where it has
 * none: in postgresql://user:secret@host, password=secret, "token": "secret",
 * 'api_key', 'secret' and the like.  What names no secret is not found.
 */
extern const char *sg_hide_secrets(const char *text);

#endif							/* SG_SECRETS_H */
