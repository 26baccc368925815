using System.Text.RegularExpressions;

namespace HeteroQwen.Backends.Tests;

/// <summary>What <c>heteroqwen_backend.h</c> declares, one line per member, blanks made single and comments taken out.</summary>
internal sealed partial class CHeader
{
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "heteroqwen_backend.h");

    public CHeader(string text)
    {
        string bare = Comment().Replace(text, " ");
        foreach (Match match in Define().Matches(bare))
        {
            Defines[match.Groups[1].Value] = match.Groups[2].Value.Trim().Trim('(', ')');
        }

        string code = Blanks().Replace(Preprocessor().Replace(bare, " "), " ").Replace("( ", "(", StringComparison.Ordinal);
        foreach (Match match in Struct().Matches(code))
        {
            const StringSplitOptions Bare = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
            Structs.Add(match.Groups[1].Value, match.Groups[2].Value.Split(';', Bare));
        }

        foreach (Match match in Enum().Matches(code))
        {
            Enums.Add(match.Groups[1].Value, match.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries));
        }

        Handles = [.. Handle().Matches(code).Select(m => m.Groups[1].Value)];
        Exports = [.. Export().Matches(code).Select(m => m.Groups[1].Value)];
    }

    public Dictionary<string, string> Defines { get; } = [];

    public Dictionary<string, string[]> Structs { get; } = [];

    public Dictionary<string, string[]> Enums { get; } = [];

    public string[] Handles { get; }

    public string[] Exports { get; }

    public static CHeader Load() => new(File.ReadAllText(Path));

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^#define (HQ_\w+) (.+)$", RegexOptions.Multiline)]
    private static partial Regex Define();

    [GeneratedRegex("^#.*$", RegexOptions.Multiline)]
    private static partial Regex Preprocessor();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"typedef struct (\w+) \{ (.*?) \} \1;")]
    private static partial Regex Struct();

    [GeneratedRegex(@"typedef int32_t (\w+); enum \{ (.*?) \};")]
    private static partial Regex Enum();

    [GeneratedRegex(@"typedef struct (\w+) \1;")]
    private static partial Regex Handle();

    [GeneratedRegex("HQ_EXPORT ([^;]*);")]
    private static partial Regex Export();
}
