using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

internal static class Sentence
{
    /// <summary>One line that names all the words and, after a semicolon, the cure.</summary>
    public static void AssertNames(UserErrorException e, params string[] words)
    {
        Assert.All(words, word => Assert.Contains(word, e.Message, StringComparison.Ordinal));
        Assert.DoesNotContain(e.Message, char.IsControl);
        Assert.Matches(";[^;]+$", e.Message);
    }
}
