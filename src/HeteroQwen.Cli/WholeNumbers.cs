using System.Globalization;
using System.Text.RegularExpressions;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary>
/// Lists of whole numbers as llama-bench takes them: numbers and ranges with commas between them. A range is <c>first-last</c>,
/// <c>first-last+step</c> or <c>first-last*factor</c>, both ends included.
/// </summary>
internal static partial class WholeNumbers
{
    /// <summary>The most numbers of a list: each is a measurement of seconds.</summary>
    private const int Most = 1000;

    /// <param name="text">The list.</param>
    /// <param name="option">For messages.</param>
    /// <param name="least">The least number that is allowed.</param>
    /// <exception cref="UserErrorException">It is no such list, or one of too many numbers.</exception>
    public static IReadOnlyList<int> Parse(string text, string option, int least)
    {
        List<int> numbers = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            Match match = Range().Match(part);
            if (!match.Success || !Add(numbers, match, least))
            {
                throw new UserErrorException(
                    $"{option} {Arguments.Shown(text)}: '{Arguments.Shown(part)}' is neither a whole number from {least} to {int.MaxValue} "
                    + "nor a range of such; write for example 128,512, 128-512+128 or 128-512*2");
            }

            if (numbers.Count > Most)
            {
                throw new UserErrorException(
                    $"{option} {Arguments.Shown(text)}: these are more than {Most} numbers; take a shorter range or a larger step");
            }
        }

        return numbers;
    }

    /// <summary>Adds a number or a range, of which one number too many at the most; false if it is none.</summary>
    private static bool Add(List<int> numbers, Match match, int least)
    {
        bool isRange = match.Groups["last"].Success;
        bool multiplies = match.Groups["sign"].Value == "*";
        int step = 1;
        if (!TryRead(match.Groups["first"].Value, least, out int first)
            || !TryRead(isRange ? match.Groups["last"].Value : match.Groups["first"].Value, first, out int last)
            || (match.Groups["step"].Success && !TryRead(match.Groups["step"].Value, multiplies ? 2 : 1, out step))
            || (multiplies && first == 0))
        {
            return false;
        }

        for (long number = first; number <= last && numbers.Count <= Most; number = multiplies ? number * step : number + step)
        {
            numbers.Add((int)number);
        }

        return true;
    }

    private static bool TryRead(string text, int least, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= least;

    [GeneratedRegex(@"^(?<first>[0-9]+)(-(?<last>[0-9]+)((?<sign>[+*])(?<step>[0-9]+))?)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Range();
}
