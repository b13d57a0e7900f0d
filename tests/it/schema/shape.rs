//! Names, arguments and nullability that clients rely on. Additions are allowed, except for names that later versions
//! need.

use apollo_compiler::{
    Schema,
    ast::{InputValueDefinition, Type},
    schema::ExtendedType,
};

use super::{fields, input_fields, published};

/// Everything here has to be in the schema as it stands here. Enums are complete.
const PROMISED: &str = r#"
scalar DateTime scalar JSON scalar JSONObject scalar UUID

type Annotation {
  id: ID! uniqueId: UUID! task: Task! project: Project! result: [JSONObject!]!
  regions(ids: [ID!], labels: [String!], types: [RegionType!]): [Region!]! regionCount: Int!
  completedBy: User createdUsername: String! createdAgo(now: DateTime): String! createdAt: DateTime!
  updatedAt: DateTime! updatedAgo(now: DateTime): String! draftCreatedAt: DateTime updatedBy: User
  lastCreatedBy: User lastAction: AnnotationAction wasCancelled: Boolean! groundTruth: Boolean!
  leadTime: Float importId: ID parentPrediction: Prediction parentAnnotation: Annotation version: Int!
  history(first: Int, after: String, last: Int, before: String): AnnotationRevisionConnection!
  diff(from: Int!, to: Int): AnnotationDiff!
  agreementWith(id: ID!, metric: AgreementMetric): Float
  drafts: [AnnotationDraft!]! reviews: [AnnotationReview!]! latestReview: AnnotationReview
  viewerCanUpdate: Boolean!
}
type AnnotationReview {
  id: ID! reviewer: User verdict: ReviewVerdict! comment: String version: Int! createdAt: DateTime!
}
enum ReviewVerdict { ACCEPTED REJECTED FIXED_AND_ACCEPTED }
enum ReviewAction { ACCEPT REJECT FIX_AND_ACCEPT DELETE_REVIEW }
input ReviewAnnotationInput {
  action: ReviewAction! comment: String result: [JSONObject!] regions: RegionChangesInput
  expectedVersion: Int
}
enum AgreementMetric { IOU SPAN_F1 EXACT_MATCH COHENS_KAPPA }
enum AnnotationAction {
  PREDICTION PROPAGATED_ANNOTATION IMPORTED SUBMITTED UPDATED SKIPPED ACCEPTED REJECTED
  FIXED_AND_ACCEPTED DELETED_REVIEW
}
input UpdateAnnotationInput {
  result: [JSONObject!] taskId: ID projectId: ID completedById: ID updatedById: ID
  wasCancelled: Boolean groundTruth: Boolean leadTime: Float expectedVersion: Int
  regions: RegionChangesInput onConflict: ConflictPolicy
}
input RegionChangesInput { upsert: [JSONObject!] remove: [ID!] }
enum ConflictPolicy { REJECT MERGE }
input CreateAnnotationItem { taskId: ID! input: CreateAnnotationInput! }
input UpdateAnnotationItem { id: ID! input: UpdateAnnotationInput! }
input DeleteAnnotationItem { id: ID! expectedVersion: Int }
type CreateAnnotationOutcome { annotation: Annotation error: ItemError }
type UpdateAnnotationOutcome { annotation: Annotation error: ItemError }
type DeleteAnnotationOutcome { deleted: DeletedAnnotation error: ItemError }
type ItemError { code: String! message: String! problems: [InputProblem!]! }
type InputProblem { path: [JSON!]! code: String! message: String! }
enum BatchErrorPolicy { REJECT_ALL REJECT_FAILED }
input SaveDraftInput {
  taskId: ID annotationId: ID result: [JSONObject!]! leadTime: Float expectedVersion: Int expectedDraftId: ID
}
input SubmitDraftInput {
  wasCancelled: Boolean groundTruth: Boolean expectedVersion: Int onConflict: ConflictPolicy
}
type DiscardedDraft {
  id: ID! taskId: ID! annotationId: ID result: [JSONObject!]! leadTime: Float createdAt: DateTime!
  updatedAt: DateTime!
}
input AnnotationDraftFilter {
  id: IDFilter taskId: IDFilter annotationId: IDFilter projectId: IDFilter hasAnnotation: Boolean
  updatedAt: DateTimeRange
}
input CreateAnnotationInput {
  result: [JSONObject!]! completedById: ID wasCancelled: Boolean groundTruth: Boolean leadTime: Float
  uniqueId: UUID parentPredictionId: ID parentAnnotationId: ID
}
type DeletedAnnotation { id: ID! uniqueId: UUID! version: Int! taskId: ID! }
type AnnotationRevision {
  id: ID! version: Int! action: AnnotationAction! actor: User createdAt: DateTime! changedFields: [String!]!
  annotation: AnnotationSnapshot! comment: String
}
type AnnotationSnapshot {
  id: ID! annotationId: ID! version: Int! result: [JSONObject!]! task: Task completedBy: User updatedBy: User
  regions(ids: [ID!], labels: [String!], types: [RegionType!]): [Region!]! regionCount: Int!
  wasCancelled: Boolean! groundTruth: Boolean! leadTime: Float lastAction: AnnotationAction at: DateTime!
}
type AnnotationDiff {
  from: Int! to: Int! fields: [FieldChange!]! addedRegions: [JSONObject!]! removedRegions: [JSONObject!]!
  changedRegions: [RegionChange!]!
}
type FieldChange { field: String! before: JSON after: JSON }
type RegionChange { regionId: ID before: JSONObject! after: JSONObject! }
type Task {
  id: ID! version: Int! project: Project! data: JSONObject! meta: JSONObject
  annotations(filter: AnnotationFilter, orderBy: AnnotationOrder, first: Int, after: String, last: Int, before: String): AnnotationConnection!
  predictions: [Prediction!]! drafts: [AnnotationDraft!]! isLabeled: Boolean! overlap: Int!
  totalAnnotations: Int! cancelledAnnotations: Int! totalPredictions: Int! groundTruth: Annotation
  agreement(metric: AgreementMetric): Float
  createdAt: DateTime! updatedAt: DateTime! updatedBy: User
}
type Project {
  id: ID! version: Int! title: String! description: String! labelConfig: String! checkMode: CheckMode! controls: [Control!]!
  tasks(filter: TaskFilter, orderBy: TaskOrder, first: Int, after: String, last: Int, before: String): TaskConnection!
  annotations(filter: AnnotationFilter, orderBy: AnnotationOrder, first: Int, after: String, last: Int, before: String): AnnotationConnection!
  members: [ProjectMember!]! taskCount: Int! annotationCount: Int! createdBy: User createdAt: DateTime!
}
type Control {
  name: String! tag: String! kind: ControlKind! regionType: String! objects: [ConfigObject!]!
  labels: [ControlLabel!]! hasDynamicLabels: Boolean! choice: ControlChoice isRequired: Boolean!
  isPerRegion: Boolean! isPerItem: Boolean! condition: ControlCondition min: Float max: Float
  maxRating: Int maxSubmissions: Int maxUsages: Int attributes: JSONObject!
}
enum ControlKind {
  BITMASK BITMASK_LABELS BRUSH BRUSH_LABELS CHAT CHOICES DATE_TIME ELLIPSE ELLIPSE_LABELS
  HYPER_TEXT_LABELS KEY_POINT KEY_POINT_LABELS LABELS MAGIC_WAND NUMBER OCR_LABELS PAIRWISE
  PARAGRAPH_LABELS POLYGON POLYGON_LABELS RANKER RATING REACT_CODE RECTANGLE RECTANGLE_LABELS TAXONOMY
  TEXT_AREA TIME_SERIES_LABELS TIMELINE_LABELS VECTOR VECTOR_LABELS VIDEO_RECTANGLE VIDEO_VECTOR
  VIDEO_VECTOR_LABELS OTHER
}
enum ControlChoice { SINGLE MULTIPLE }
type ControlCondition {
  visibleWhen: String tagNames: [String!]! labelValues: [String!]! choiceValues: [String!]!
  around: ControlCondition
}
type ConfigObject { name: String! tag: String! value: String variable: String attributes: JSONObject! }
type ControlLabel {
  stored: String! value: String alias: String background: String hotkey: String parents: [String!]!
}
type ProjectMember { id: ID! user: User role: ProjectRole! }
enum ProjectRole { VIEWER ANNOTATOR REVIEWER MANAGER }
enum UserRole { ADMIN MEMBER }
type User {
  id: ID! username: String! displayName: String! email: String role: UserRole! createdAt: DateTime!
  canSignIn: Boolean! tokens: [ApiToken!]
}
type Prediction {
  id: ID! version: Int! task: Task! project: Project! result: [JSONObject!]! score: Float modelVersion: String
  regions(ids: [ID!], labels: [String!], types: [RegionType!]): [Region!]!
  createdAt: DateTime! createdAgo(now: DateTime): String!
}
type ReplacedDraft { id: ID! result: [JSONObject!]! savedAt: DateTime! }
type AnnotationDraft {
  id: ID! version: Int! replaced: [ReplacedDraft!]! task: Task! annotation: Annotation user: User result: [JSONObject!]! leadTime: Float
  regions(ids: [ID!], labels: [String!], types: [RegionType!]): [Region!]!
  createdAt: DateTime! createdAgo(now: DateTime): String! updatedAt: DateTime!
}

interface Region {
  regionId: ID fromName: String! toName: String! type: RegionType! labels: [String!]! score: Float
  origin: String parentId: ID raw: JSONObject!
}
enum RegionType {
  RECTANGLE ELLIPSE POLYGON KEY_POINT BRUSH BITMASK VECTOR TEXT_SPAN HYPER_TEXT_SPAN AUDIO TIME_SERIES
  TIMELINE VIDEO CHOICES TAXONOMY TEXT_AREA NUMBER RATING DATE_TIME PAIRWISE RANKER RELATION
  CHAT_MESSAGE OTHER
}
enum RelationDirection { LEFT RIGHT BI }

type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type AnnotationConnection { edges: [AnnotationEdge!]! nodes: [Annotation!]! pageInfo: PageInfo! totalCount: Int! }
type AnnotationEdge { cursor: String! node: Annotation! }
type AnnotationRevisionConnection { edges: [AnnotationRevisionEdge!]! nodes: [AnnotationRevision!]! pageInfo: PageInfo! totalCount: Int! }
type AnnotationRevisionEdge { cursor: String! node: AnnotationRevision! }
type AnnotationDraftConnection { edges: [AnnotationDraftEdge!]! nodes: [AnnotationDraft!]! pageInfo: PageInfo! totalCount: Int! }
type AnnotationDraftEdge { cursor: String! node: AnnotationDraft! }
type TaskConnection { edges: [TaskEdge!]! nodes: [Task!]! pageInfo: PageInfo! totalCount: Int! }
type TaskEdge { cursor: String! node: Task! }
type ProjectConnection { edges: [ProjectEdge!]! nodes: [Project!]! pageInfo: PageInfo! totalCount: Int! }
type ProjectEdge { cursor: String! node: Project! }
type UserConnection { edges: [UserEdge!]! nodes: [User!]! pageInfo: PageInfo! totalCount: Int! }
type UserEdge { cursor: String! node: User! }

input IDFilter { eq: ID in: [ID!] }
input StringFilter { eq: String in: [String!] contains: String }
input FloatRange { gte: Float gt: Float lte: Float lt: Float }
input DateTimeRange { gte: DateTime gt: DateTime lte: DateTime lt: DateTime }
input AnnotationActionFilter { eq: AnnotationAction in: [AnnotationAction!] }
input AnnotationFilter {
  id: IDFilter uniqueId: UUIDFilter taskId: IDFilter projectId: IDFilter completedById: IDFilter
  updatedById: IDFilter wasCancelled: Boolean groundTruth: Boolean lastAction: AnnotationActionFilter
  createdAt: DateTimeRange updatedAt: DateTimeRange leadTime: FloatRange importId: IDFilter
  and: [AnnotationFilter!] or: [AnnotationFilter!] not: AnnotationFilter hasLabel: LabelFilter
  hasRegionType: RegionTypeFilter regionCount: IntRange
}
input UUIDFilter { eq: UUID in: [UUID!] }
input LabelFilter { eq: String in: [String!] }
input RegionTypeFilter { eq: RegionType in: [RegionType!] }
input IntRange { gte: Int gt: Int lte: Int lt: Int }
input TaskFilter { id: IDFilter projectId: IDFilter isLabeled: Boolean }
input ProjectFilter { id: IDFilter title: StringFilter }
input UserFilter { id: IDFilter username: StringFilter }
enum OrderDirection { ASC DESC }
enum AnnotationOrderField { ID CREATED_AT UPDATED_AT LEAD_TIME }
input AnnotationOrder { field: AnnotationOrderField! direction: OrderDirection! }
input TaskOrder { field: TaskOrderField! direction: OrderDirection! }
enum TaskOrderField { ID CREATED_AT UPDATED_AT }
input ProjectOrder { field: ProjectOrderField! direction: OrderDirection! }
enum ProjectOrderField { ID CREATED_AT UPDATED_AT }

type Query {
  viewer: User
  annotation(id: ID!): Annotation
  annotationAt(id: ID!, version: Int, asOf: DateTime): AnnotationSnapshot
  annotations(filter: AnnotationFilter, orderBy: AnnotationOrder, first: Int, after: String, last: Int, before: String): AnnotationConnection
  draft(id: ID!): AnnotationDraft
  drafts(filter: AnnotationDraftFilter, first: Int, after: String, last: Int, before: String): AnnotationDraftConnection
  task(id: ID!): Task
  tasks(filter: TaskFilter, orderBy: TaskOrder, first: Int, after: String, last: Int, before: String): TaskConnection
  project(id: ID!): Project
  projects(filter: ProjectFilter, orderBy: ProjectOrder, first: Int, after: String, last: Int, before: String): ProjectConnection
  prediction(id: ID!): Prediction
  user(id: ID!): User
  users(filter: UserFilter, first: Int, after: String, last: Int, before: String): UserConnection
}
type Mutation {
  createAnnotation(taskId: ID!, input: CreateAnnotationInput!, validateOnly: Boolean! = false): Annotation
  createAnnotations(items: [CreateAnnotationItem!]!, onError: BatchErrorPolicy! = REJECT_ALL): [CreateAnnotationOutcome!]
  updateAnnotations(items: [UpdateAnnotationItem!]!, onError: BatchErrorPolicy! = REJECT_ALL): [UpdateAnnotationOutcome!]
  deleteAnnotations(items: [DeleteAnnotationItem!]!, onError: BatchErrorPolicy! = REJECT_ALL): [DeleteAnnotationOutcome!]
  updateAnnotation(id: ID!, input: UpdateAnnotationInput!, validateOnly: Boolean! = false): Annotation
  deleteAnnotation(id: ID!, expectedVersion: Int): DeletedAnnotation
  restoreAnnotation(id: ID!, version: Int!, expectedVersion: Int): Annotation
  reviewAnnotation(id: ID!, input: ReviewAnnotationInput!): Annotation
  skipAnnotation(id: ID!, expectedVersion: Int): Annotation
  unskipAnnotation(id: ID!, expectedVersion: Int): Annotation
  setGroundTruth(id: ID!, expectedVersion: Int): Annotation
  unsetGroundTruth(id: ID!, expectedVersion: Int): Annotation
  saveDraft(input: SaveDraftInput!): AnnotationDraft
  submitDraft(id: ID!, input: SubmitDraftInput): Annotation
  discardDraft(id: ID!): DiscardedDraft
  convertAnnotationToDraft(id: ID!, expectedVersion: Int): AnnotationDraft
  createProject(input: CreateProjectInput!): Project
  updateProject(id: ID!, input: UpdateProjectInput!, force: Boolean! = false): Project
  deleteProject(id: ID!): DeletedProject
  createTasks(projectId: ID!, tasks: [CreateTaskInput!]!): [Task!]
  updateTask(id: ID!, input: UpdateTaskInput!): Task
  deleteTask(id: ID!): DeletedTask
  importTasks(projectId: ID!, tasks: [JSONObject!]!, misfits: ImportMisfits! = REFUSE): ImportedTasks
  createPrediction(taskId: ID!, input: CreatePredictionInput!): Prediction
  updatePrediction(id: ID!, input: UpdatePredictionInput!): Prediction
  deletePrediction(id: ID!): DeletedPrediction
  createUser(input: CreateUserInput!): User
  updateUser(id: ID!, input: UpdateUserInput!): User
  deleteUser(id: ID!): DeletedUser
  createToken(input: CreateTokenInput!): CreatedToken
  revokeToken(id: ID!): ApiToken
  addProjectMember(projectId: ID!, userId: ID!, role: ProjectRole!): ProjectMember
  removeProjectMember(projectId: ID!, userId: ID!): ProjectMember
}
type Subscription {
  annotationEvents(filter: AnnotationEventFilter, after: String): AnnotationEvent!
}
type AnnotationEvent {
  id: ID! cursor: String! action: AnnotationEventAction! annotationId: ID! annotation: Annotation task: Task
  actor: User version: Int! changedFields: [String!]! at: DateTime!
}
enum AnnotationEventAction { CREATED UPDATED DELETED RESTORED }
input AnnotationEventActionFilter { eq: AnnotationEventAction in: [AnnotationEventAction!] }
input AnnotationEventFilter {
  annotationId: IDFilter taskId: IDFilter projectId: IDFilter actorId: IDFilter
  action: AnnotationEventActionFilter
}
input CreateProjectInput { title: String! description: String! = "" labelConfig: String! = "" checkMode: CheckMode! = STANDARD }
input UpdateProjectInput {
  title: String description: String labelConfig: String checkMode: CheckMode expectedVersion: Int
}
enum CheckMode { OFF STANDARD STRICT }
type DeletedProject {
  id: ID! taskCount: Int! annotationCount: Int! predictionCount: Int! draftCount: Int!
}
input UpdateTaskInput { data: JSONObject meta: JSONObject overlap: Int expectedVersion: Int }
type DeletedTask { id: ID! project: Project! annotationCount: Int! predictionCount: Int! draftCount: Int! }
enum ImportMisfits { NOTE REFUSE IGNORE }
type ImportedTasks {
  project: Project! taskIds: [ID!]! tasks: [Task!]! taskCount: Int! annotationCount: Int!
  predictionCount: Int! draftCount: Int! notes: [ImportNote!]! noteCount: Int!
}
type ImportNote { path: JSON! code: String message: String! }
input CreatePredictionInput { result: [JSONObject!]! score: Float modelVersion: String }
input UpdatePredictionInput {
  result: [JSONObject!] score: Float modelVersion: String expectedVersion: Int
}
type DeletedPrediction { id: ID! task: Task! }
input CreateUserInput { username: String! displayName: String! = "" email: String role: UserRole! = MEMBER }
input UpdateUserInput { username: String displayName: String email: String role: UserRole canSignIn: Boolean }
type DeletedUser { id: ID! username: String! annotationCount: Int! draftCount: Int! tokenCount: Int! }
input CreateTokenInput { name: String! = "" expiresAt: DateTime userId: ID }
type CreatedToken { text: String! token: ApiToken! }
type ApiToken {
  id: ID! user: User name: String! prefix: String! createdAt: DateTime! expiresAt: DateTime
  lastUsedAt: DateTime revokedAt: DateTime
}
input CreateTaskInput { data: JSONObject! meta: JSONObject overlap: Int! = 1 }
"#;

/// What comes later is not there before: types, and members of types.
const LATER: &str = "
Query.node
";

#[test]
fn what_is_promised_is_there() {
    let promised = Schema::parse_and_validate(PROMISED, "promised").unwrap();
    let schema = published();
    let mut missing = Vec::new();
    for (name, wanted) in super::own_types(&promised) {
        let Some(found) = schema.types.get(name) else {
            missing.push(name.to_owned());
            continue;
        };
        if let (ExtendedType::Enum(wanted), ExtendedType::Enum(found)) = (wanted, found) {
            let mut values: Vec<_> = wanted.values.keys().collect();
            let mut in_schema: Vec<_> = found.values.keys().collect();
            values.sort_unstable();
            in_schema.sort_unstable();
            assert_eq!(values, in_schema, "{name}");
        }
        for field in fields(wanted) {
            let place = format!("{name}.{}", field.name);
            let Some(found) = fields(found)
                .into_iter()
                .find(|other| other.name == field.name)
            else {
                missing.push(place);
                continue;
            };
            compare(&place, &field.ty, &found.ty, &mut missing);
            for argument in &field.arguments {
                let place = format!("{place}({})", argument.name);
                let found = found.argument_by_name(&argument.name);
                compare_inputs(&place, argument, found.map(|found| &**found), &mut missing);
            }
            // A required argument that a client does not know of would break it.
            for argument in found
                .arguments
                .iter()
                .filter(|argument| argument.is_required())
            {
                assert!(field.argument_by_name(&argument.name).is_some(), "{place}");
            }
        }
        for field in input_fields(wanted) {
            let place = format!("{name}.{}", field.name);
            let mut all = input_fields(found).into_iter();
            let found = all.find(|other| other.name == field.name);
            compare_inputs(&place, field, found, &mut missing);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn what_comes_later_is_not_there() {
    let schema = published();
    for place in LATER.split_whitespace() {
        let (path, argument) = match place.trim_end_matches(')').split_once('(') {
            Some((path, argument)) => (path, Some(argument)),
            None => (place, None),
        };
        let (name, member) = match path.split_once('.') {
            Some((name, member)) => (name, Some(member)),
            None => (path, None),
        };
        let Some(ty) = schema.types.get(name) else {
            assert!(member.is_none(), "{name} is not there at all");
            continue;
        };
        let member = member.unwrap_or_else(|| panic!("{name} comes later"));
        let names = match ty {
            ExtendedType::Enum(definition) => definition
                .values
                .keys()
                .map(|value| value.as_str())
                .collect(),
            ExtendedType::InputObject(definition) => definition
                .fields
                .keys()
                .map(|field| field.as_str())
                .collect(),
            _ => fields(ty)
                .iter()
                .map(|field| field.name.as_str())
                .collect::<Vec<_>>(),
        };
        match argument {
            None => assert!(!names.contains(&member), "{place} comes later"),
            Some(argument) => {
                let all = fields(ty);
                let field = all.iter().find(|field| field.name == member).unwrap();
                assert!(
                    field.argument_by_name(argument).is_none(),
                    "{place} comes later"
                );
            }
        }
    }
}

fn compare(place: &str, wanted: &Type, found: &Type, missing: &mut Vec<String>) {
    if wanted != found {
        missing.push(format!("{place}: {wanted}, but it is {found}"));
    }
}

fn compare_inputs(
    place: &str,
    wanted: &InputValueDefinition,
    found: Option<&InputValueDefinition>,
    missing: &mut Vec<String>,
) {
    match found {
        None => missing.push(place.to_owned()),
        Some(found) => {
            compare(place, &wanted.ty, &found.ty, missing);
            let default = |input: &InputValueDefinition| {
                input.default_value.as_ref().map(|value| value.to_string())
            };
            assert_eq!(default(wanted), default(found), "default of {place}");
        }
    }
}
