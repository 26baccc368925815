using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>The sentence for logits from which no token can be chosen.</summary>
internal static class BadLogits
{
    public static UserErrorException Of(ReadOnlySpan<float> logits, string where)
    {
        const string Cure = "check the model's weights, or try --precision exact";
        for (int i = 0; i < logits.Length; i++)
        {
            if (float.IsNaN(logits[i]) || float.IsPositiveInfinity(logits[i]))
            {
                return new($"the logit of token {i} {where} is {(float.IsNaN(logits[i]) ? "NaN" : "infinite")}; {Cure}");
            }
        }

        return new($"the logits {where} are all -inf; {Cure}");
    }
}
