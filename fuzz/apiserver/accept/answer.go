package accept

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Answer is what the server says of an object: the object as it would store
// it, or what is wrong with it.
type Answer struct {
	Object     string
	Message    string   // "": it takes the object
	Complaints []string // what the message consists of, "FIELD: WHY" where the server names a field
	Fields     []string // the fields that it names
}

// strict is how the message about fields that are not known begins.
const strict = "strict decoding error: "

// Refusal reads the server's answer to an object that it does not take.
func Refusal(body []byte) (out Answer, err error) {
	var status metav1.Status
	if err := json.Unmarshal(body, &status); err != nil {
		return Answer{}, err
	}
	out.Message = status.Message
	if status.Details != nil {
		for _, c := range status.Details.Causes {
			out.Complaints = append(out.Complaints, c.Field+": "+c.Message)
			out.Fields = append(out.Fields, c.Field)
		}
	}
	if _, list, found := strings.Cut(out.Message, strict); found {
		out.Complaints = strings.Split(list, ", ")
	}
	if len(out.Complaints) == 0 {
		out.Complaints = []string{out.Message}
	}
	return out, nil
}
