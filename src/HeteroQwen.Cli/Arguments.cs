using System.CommandLine;
using System.Globalization;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary>Options that several commands have, and the reading of their values.</summary>
internal static class Arguments
{
    public static Option<string> Model() => new("-m", "--model")
    {
        HelpName = "MODEL",
        Description = "A Hugging Face folder, a GGUF file, the bundled tiny or tiny-moe, or random:qwen3-0.6b[:TYPE]",
        DefaultValueFactory = _ => ModelFiles.Default,
    };

    public static Option<string> Backend(bool several = false) => new("-b", "--backend")
    {
        HelpName = several ? "BACKEND[:INDEX][,...]" : "BACKEND[:INDEX]",
        Description = "Where to run; `heteroqwen devices` lists what is here",
        DefaultValueFactory = _ => "cpu",
    };

    public static Option<string?> Plugin() => Text(
        "--plugin", "PATH[#CLASS]", "A backend from an assembly; it is the one to run on unless -b names another");

    public static Option<string?> Threads(bool several = false) =>
        Text("-t", several ? "THREADS[,THREADS...]" : "THREADS", "Threads of the processor; all unless given", "--threads");

    public static Option<string?> Text(string name, string help, string description, params string[] aliases) =>
        new(name, aliases) { HelpName = help, Description = description };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<bool> Json() => Flag("--json", "Print JSON");

    /// <summary>A whole number between bounds, or null where the option was not given.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static int? Whole(ParseResult parsed, Option<string?> option, int least, int most = int.MaxValue)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? value
            : throw new UserErrorException(
                $"{option.Name} {text}: this is no whole number from {least} to {most}; "
                + $"write for example {option.Name} {Math.Max(least, 8)}");
    }

    /// <summary>A number between bounds, or null where the option was not given.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static double? Number(ParseResult parsed, Option<string?> option, double least, double most)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        bool isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
        return isNumber && value >= least && value <= most
            ? value
            : throw new UserErrorException(string.Create(
                CultureInfo.InvariantCulture,
                $"{option.Name} {Shown(text)}: this is no number from {least} to {most}; write for example {option.Name} 0.8"));
    }

    /// <summary>One of several words, or null where the option was not given.</summary>
    /// <exception cref="UserErrorException">It is none of them.</exception>
    public static string? Choice(ParseResult parsed, Option<string?> option, params string[] words)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        return words.Contains(text)
            ? text
            : throw new UserErrorException($"{option.Name} {text}: it takes {string.Join(", ", words[..^1])} or {words[^1]}");
    }

    /// <summary>Ids as <c>1,2,3</c>, spaces allowed.</summary>
    /// <exception cref="UserErrorException">It is no such list.</exception>
    public static int[] Ids(string text, string where)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        int[] ids = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out ids[i]))
            {
                throw new UserErrorException(
                    $"{where}: '{Shown(parts[i])}' (number {i + 1} of {parts.Length}) is no token id; write ids as 1,2,3");
            }
        }

        return ids;
    }

    /// <summary>A word of the user's, cut where it would fill the screen.</summary>
    public static string Shown(string text) => text.Length > 40 ? text[..40] + "..." : text;
}
