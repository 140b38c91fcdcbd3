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
 * Returns the text with "***" in place of each secret, or the same pointer if
 * it has none: in postgresql://user:secret@host, password=secret, "token":
 * "secret", 'api_key', 'secret' and similar forms.  Only secrets with such a
 * name are found.
 */
extern const char *sg_hide_secrets(const char *text);

#endif							/* SG_SECRETS_H */
