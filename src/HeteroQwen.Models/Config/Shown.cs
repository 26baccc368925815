namespace HeteroQwen.Models;

/// <summary>How text from a file appears in a message: short, on one line, and without characters that a terminal obeys.</summary>
internal static class Shown
{
    private const int MaxLength = 120;

    public static string Text(string text)
    {
        string cut = text.Length <= MaxLength ? text : string.Concat(text.AsSpan(0, MaxLength), "...");
        return string.Create(cut.Length, cut, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? '?' : source[i];
            }
        });
    }

    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
