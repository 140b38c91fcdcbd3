/*-------------------------------------------------------------------------
 *
 * discover_words.c
 *	  What names are made of: words, stems, suffixes, abbreviations.
 *
 * The lists here are words of the craft, in several languages; none of them
 * names a table of some particular database.  Everything else is learned
 * from the database at hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "utils/formatting.h"

#include "discover/discover_words.h"


typedef struct ListedWord
{
	const char *stem;
	int			class;
} ListedWord;

/* Stems, as words_stem() makes them; sorted by words_class_table() */
static const char *const person_words =
" user account person member employe staff people profil principal contact player"
" usuario benutzer utilisateur mitarbeiter persona empleado usr login "
" individual operator worker author customer client ";

/* of these, who buys or is served, and works with nobody else's rows; of those who act, who may be one of them */
static const char *const outsider_words = " customer client contact player profil ";

/* of those, who is paid for it, and what these do */
static const char *const staff_words = " employe staff personnel mitarbeiter empleado ";

static const char *const job_words =
" employe staff manager officer supervisor salesperson salesman salesrep representativ rep mgr clerk technician consultant"
" interviewer teacher instructor trainer driver cashier leiter bearbeiter physician coach counselor inspector boss emp ";

static const char *const buyer_words =
" buyer borrower requester requestor recipient receiver reporter follower commenter voter ";

static const char *const actor_words =
" by owner author creator editor assigne reporter approver reviewer manager sender recipient receiver"
" requester requestor uploader updater modifier deleter leader grante grantor follower inviter invite moderator"
" maintainer responsibl supervisor submitter publisher admin administrator member employe"
" person account principal user commenter voter initiator inspector"
" assigned instructor teacher coach trainer driver counselor organizer signer autor usuario"
" salesperson representativ rep cashier buyer seller borrower lender creador propietario ersteller"
" staff officer clerk patron physician technician consultant"
" salesman mgr von par por leiter bearbeiter verantwortlicher responsabl auteur"
" mentor mente student learner tutor volunteer guardian signatori sponsor judg guide champion captain nurs doctor ";

static const char *const self_words =
" parent ancestor descendant predecessor successor previous prev next root original orig superior reply"
" child copi duplicat merged replaced replac superseded superceded boss sup padr vater vorgesetzter manager reports"
" superclass supertyp templat prototyp prerequisit main head linked related respons bas cloned clon forked upper"
" preceding precedent old merg rerun reversal father mother ";

static const char *const tree_words =
" parent ancestor descendant predecessor successor previous prev next root superior child preceding precedent"
" padr vater superseded superceded replaced superclass supertyp boss ";

static const char *const role_words =
" subject object source target new from to other left right a b ";

/* what a picture or a file is for, and what tables of pictures and files are called, the likeliest first */
static const char *const picture_words =
" avatar cover banner icon logo imag photo pictur thumbnail portrait background wallpaper screenshot ";

static const char *const picture_tables[] = {
	"imag", "pictur", "photo", "media", "fil", "upload", "asset", "attachment", "blob",
};

/* what only one person knows */
static const char *const secret_words = " password passwd pwd pw pass passphras ";

/* what a table tells more of the rows of another */
static const char *const more_words =
" meta metadata detail data info information ext extension extra exampl profil setting preferenc attribut addition raw"
" content bodi blob text i18n l10n translation localization version ";

static const char *const external_words =
" strip external ext extern remot foreign third googl facebook github gitlab bitbucket twitter"
" appl paypal aw azur slack salesforc hubspot twilio ldap saml oauth openid oidc sap xero quickbook intercom"
" zendesk jira mailchimp shopifi firebas auth0 okta braintre adyen gocardless plaid discord telegram whatsapp"
" linkedin microsoft amazon ebai tracking correlation trac idempotenci imdb isbn wordpress asana trello notion ";

static const char *const generic_words =
" type status stat name cod valu kei version level number kind mod class sort order id titl label ";

static const char *const measure_words =
" count total amount dat at tim sum size length width height weight pric rat ratio percent percentag quantiti"
" qti number order position version url uri email phon text titl description comment not hash token password idx"
" salt path fil filenam format flag index rank score level typ limit max min avg age year month dai"
" hour minut second duration valu content bodi imag icon color colour address nam usernam nicknam domain ip"
" timestamp json xml data option setting config expiri expired on until from since ";

static const char *const number_words =
" num no nr number count total n qti quantiti max min sum avg ";

static const char *const log_words =
" log history histori archiv audit raw tmp temp staging stag cach backup snapshot pending stat statistic"
" summari trash deleted old migration outbox dump aggregat daili monthli hourli ";

static const char *const decoration_words =
" tbl tb tab t dim fact d lu lkp lookup mst m master tabl list info data header hdr bas entiti detail v f "
" table record model dimension static ";

/* what is kept of people who log in */
static const char *const personal_words =
" password passwd pwd pw salt login email mail firstnam lastnam surnam fullnam usernam nicknam phon mobil birth birthdai"
" birthdat gender sex avatar timezon ";

/* these end as those do who act, and do not */
static const char *const thing_words =
" quarter number order letter paper layer folder header server cluster chapter counter master register container"
" customer character parameter filter trigger supplier provider printer computer router cover center color error"
" other over factor vector sector floor carrier tracker transfer comparator indicator generator connector selector"
" descriptor separator locator processor monitor adapter handler listener controller loader parser builder scheduler"
" buffer pointer marker timer encoder decoder scanner corner border diaper tower river ";

static bool
in_list(const char *list, const char *word)
{
	char		padded[WORD_KEY_SIZE + 3];

	if (strlen(word) > WORD_KEY_SIZE)
		return false;
	snprintf(padded, sizeof(padded), " %s ", word);
	return strstr(list, padded) != NULL;
}

/* The classes of a word, by its stem or as it stands */
int
words_class(const char *word, const char *stem)
{
	struct
	{
		const char *list;
		int			class;
	}			lists[] = {
		{person_words, WORD_PERSON}, {actor_words, WORD_ACTOR}, {self_words, WORD_SELF},
		{external_words, WORD_EXTERNAL}, {generic_words, WORD_GENERIC},
		{measure_words, WORD_MEASURE}, {decoration_words, WORD_DECORATION},
		{number_words, WORD_NUMBER}, {log_words, WORD_LOG}, {tree_words, WORD_TREE},
		{role_words, WORD_ROLE}, {outsider_words, WORD_OUTSIDER}, {buyer_words, WORD_BUYER},
		{staff_words, WORD_STAFF}, {job_words, WORD_JOB},
		{more_words, WORD_MORE}, {secret_words, WORD_SECRET},
		{picture_words, WORD_PICTURE},
	};
	int			class = 0;
	char		padded[WORD_KEY_SIZE + 3];
	char		padded_stem[WORD_KEY_SIZE + 3];

	if (strlen(word) > WORD_KEY_SIZE)
		return 0;
	snprintf(padded, sizeof(padded), " %s ", word);
	snprintf(padded_stem, sizeof(padded_stem), " %s ", stem);
	for (int i = 0; i < lengthof(lists); i++)
	{
		if (strstr(lists[i].list, padded_stem) || strstr(lists[i].list, padded))
			class |= lists[i].class;
	}

	/* a state has the stem of statistics, and is none */
	return strncmp(word, "state", 5) == 0 ? class & ~WORD_LOG : class;
}

/* Is it a person that a column of this name tells of? */
bool
words_personal(const Words *words)
{
	for (int i = 0; i < words->n; i++)
	{
		if (in_list(personal_words, words->stem[i]) ||
			(i + 1 < words->n && strcmp(words->word[i + 1], "name") == 0 &&
			 in_list(" first last given family middle full user ", words->word[i])))
			return true;
	}
	return false;
}

/* Is it what somebody logs in with, password or pwd_hash?  1: yes, 2: it tells of that, else 0 */
int
words_secret(const Words *words)
{
	bool		found = false;
	bool		more = false;

	for (int i = 0; i < words->n; i++)
	{
		if (words->class[i] & WORD_SECRET)
			found = true;
		else
			more |= !in_list(" hash hashed digest crypt bcrypt encrypted user login web ", words->word[i]);
	}
	return found ? 1 + more : 0;
}

/* resolver, revoker, interviewee: made of a verb, it says who does something, or to whom it is done */
bool
words_is_agent(const char *word)
{
	int			n = strlen(word);

	if (n > 5 && strcmp(word + n - 2, "ee") == 0)
		return !in_list(" committee subcommittee degree coffee guarantee refugee pedigree ", word);
	if (n < 5 || word[n - 1] != 'r' || strchr("eo", word[n - 2]) == NULL || in_list(thing_words, word))
		return false;
	for (int p = 3; p <= n - 4; p++)
	{
		/* boxnumber */
		if (in_list(thing_words, word + p))
			return false;
	}
	return true;
}

/* How well does a table of this name do as that of pictures and files?  0: not at all */
int
words_pictures(const char *stem)
{
	for (int i = 0; i < lengthof(picture_tables); i++)
	{
		if (strcmp(stem, picture_tables[i]) == 0)
			return lengthof(picture_tables) - i;
	}
	return 0;
}

Suffix
words_suffix(const char *word)
{
	if (in_list(" id ids uuid guid oid uid gid pid rid ident identifier fk identificador ", word))
		return SUFFIX_ID;
	if (in_list(" key no nr num number sk ref pk idx seq srl ", word))
		return SUFFIX_KEY;
	if (in_list(" code cd cod kode codigo kod ", word))
		return SUFFIX_CODE;
	if (in_list(" name slug title nombre ", word))
		return SUFFIX_NAME;
	return SUFFIX_NONE;
}

bool
words_reference_prefix(const char *word)
{
	return in_list(" id fk ref cod cd idx rel ", word);
}

int
words_glued_suffix(const char *word, Suffix *suffix)
{
	static const struct
	{
		const char *text;
		Suffix		suffix;
	}			glued[] = {
		{"uuid", SUFFIX_ID}, {"guid", SUFFIX_ID}, {"code", SUFFIX_CODE}, {"name", SUFFIX_NAME},
		{"key", SUFFIX_KEY}, {"oid", SUFFIX_ID}, {"id", SUFFIX_ID}, {"fk", SUFFIX_ID},
		{"num", SUFFIX_KEY}, {"nr", SUFFIX_KEY}, {"no", SUFFIX_KEY}, {"sk", SUFFIX_KEY},
		{"cd", SUFFIX_CODE},
	};
	int			length = strlen(word);

	for (int i = 0; i < lengthof(glued); i++)
	{
		int			n = strlen(glued[i].text);

		if (length >= n + 3 && strcmp(word + length - n, glued[i].text) == 0)
		{
			*suffix = glued[i].suffix;
			return length - n;
		}
	}
	return 0;
}

/*
 * A word without the marks of a plural, the same for both: "categories" and
 * "category" both give "categori".  What it gives need not be a word.
 */
char *
words_stem(const char *word)
{
	static const char *const irregular[][2] = {
		{"people", "person"}, {"persons", "person"}, {"children", "child"}, {"men", "man"},
		{"women", "woman"}, {"indices", "index"}, {"vertices", "vertex"}, {"matrices", "matrix"},
		{"criteria", "criterion"}, {"mice", "mouse"}, {"analyses", "analysis"}, {"staffs", "staff"},
		{"statuses", "status"}, {"status", "status"}, {"medium", "media"}, {"data", "data"}, {"usr", "user"}, {"usrs", "user"},
	};
	char	   *stem;
	int			n;

	for (int i = 0; i < lengthof(irregular); i++)
	{
		if (strcmp(word, irregular[i][0]) == 0)
			word = irregular[i][1];
	}
	stem = pstrdup(word);
	n = strlen(stem);
	if (n > 2 && stem[n - 1] == 's' && strchr("sui", stem[n - 2]) == NULL)
		stem[--n] = '\0';
	if (n > 3 && stem[n - 1] == 'e')
		stem[--n] = '\0';
	if (n > 3 && stem[n - 1] == 'y')
		stem[n - 1] = 'i';
	return stem;
}

/* a shorter than b, same first letter: 1 a prefix, 2 letters in order, else 0 */
int
words_abbreviates(const char *a, const char *b)
{
	int			na = strlen(a);
	int			nb = strlen(b);
	const char *p = b;
	const char *skeleton = a;

	if (na < 3 || na >= nb || a[0] != b[0] || nb > na * 5)
		return 0;
	if (strncmp(a, b, na) == 0)
		return 1;

	/*
	 * letters left out at the end of a word or vowels: dept, mgr, but not pod
	 * for period
	 */
	if (nb > na * 3)
		return 0;
	while (*skeleton && *skeleton == *p)
		skeleton++, p++;
	for (const char *q = skeleton; *q; q++)
	{
		if (strchr("aeiou", *q))
			return 0;
		p = strchr(p, *q);
		if (p == NULL)
			return 0;
		p++;
	}
	return 2;
}

void
words_join(const Words *words, int lo, int hi, char *key)
{
	int			length = 0;

	for (int i = lo; i < hi; i++)
	{
		int			n = strlen(words->stem[i]);

		n = Min(n, WORD_KEY_SIZE - 1 - length);
		memcpy(key + length, words->stem[i], n);
		length += n;
	}
	key[length] = '\0';
}

bool
words_have(const Words *words, int lo, int hi, const char *stem)
{
	for (int i = lo; i < hi; i++)
	{
		if (strcmp(words->stem[i], stem) == 0)
			return true;
	}
	return false;
}

bool
words_any(const Words *words, int lo, int hi, int class)
{
	for (int i = lo; i < hi; i++)
	{
		if (words->class[i] & class)
			return true;
	}
	return false;
}

bool
words_same(const Words *a, int from, const Words *b, int other, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(a->stem[from + i], b->stem[other + i]) != 0)
			return false;
	}
	return true;
}

static void
add_word(Words *words, const char *from, int length)
{
	char	   *lower;

	if (length == 0)
		return;
	lower = str_tolower(from, length, DEFAULT_COLLATION_OID);
	if (words->n == WORDS_MAX)
	{
		/* what does not fit belongs to the last word */
		lower = psprintf("%s%s", words->word[words->n - 1], lower);
		words->n--;
	}
	words->word[words->n] = lower;
	words->stem[words->n] = words_stem(lower);
	words->class[words->n] = words_class(lower, words->stem[words->n]);
	words->n++;
}

static Words
words_in(WordsRoom *room)
{
	Words		words = {.word = room->word,.stem = room->stem,.class = room->class};

	return words;
}

Words
words_copy(const Words *words, WordsRoom *room)
{
	Words		copy = words_in(room);

	copy.n = words->n;
	memcpy(copy.word, words->word, words->n * sizeof(char *));
	memcpy(copy.stem, words->stem, words->n * sizeof(char *));
	memcpy(copy.class, words->class, words->n * sizeof(int));
	return copy;
}

/* Does a new word begin at s[i], within one that began at s[start]? */
static bool
begins_word(const char *s, int start, int i)
{
	unsigned char c = s[i];
	unsigned char before = s[i - 1];

	if (isupper(c))
		return islower(before) || isdigit(before) ||
			(isupper(before) && islower((unsigned char) s[i + 1]) && i - start > 1);

	/* a number that ends the name is a word of its own */
	if (isdigit(c) && !isdigit(before))
		return s[i + strspn(s + i, "0123456789")] == '\0';
	return false;
}

/*
 * Cut a name where its writer did: at underscores and other marks, between
 * lower and upper case, before a number at its end.  Bytes of other than
 * ASCII characters count as letters.  A name of marks alone is one word.
 */
Words
words_split(const char *name, WordsRoom *room)
{
	Words		words = words_in(room);
	int			start = 0;
	int			i;

	for (i = 0; name[i]; i++)
	{
		unsigned char c = name[i];
		bool		letter = IS_HIGHBIT_SET(c) || isalnum(c);

		if (!letter)
		{
			add_word(&words, name + start, i - start);
			start = i + 1;
		}
		else if (i > start && begins_word(name, start, i))
		{
			add_word(&words, name + start, i - start);
			start = i;
		}
	}
	add_word(&words, name + start, i - start);
	if (words.n == 0)
		add_word(&words, name, i);
	return words;
}
