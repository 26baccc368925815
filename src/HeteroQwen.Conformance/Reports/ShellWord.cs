namespace HeteroQwen.Conformance;

/// <summary>Words for a shell's command line.</summary>
public static class ShellWord
{
    /// <summary>The word between single quotes, so that no shell reads anything into it.</summary>
    public static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The word as it is where that is harmless, else quoted.</summary>
    public static string Of(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:,=+#".Contains(c, StringComparison.Ordinal)) ? word : Quote(word);
}
